// The generated Go client, used as its user would: main URL
package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"

	api "clients/client"
)

var (
	ours   = connected("API_KEY")
	client = configured(os.Args[1])
)

// problem is an error that is described: a status and a code, which is empty where the answer has no body.
type problem struct {
	status int
	code   string
}

var (
	notModified        = problem{304, ""}
	badRequest         = problem{400, "MCUS.999.998"}
	unauthorized       = problem{401, "MCUS.999.996"}
	notFound           = problem{404, "MCUS.999.997"}
	conflict           = problem{409, "MCUS.999.994"}
	inUse              = problem{409, "MCUS.999.991"}
	preconditionFailed = problem{412, "MCUS.999.993"}
)

func configured(url string) *api.APIClient {
	configuration := api.NewConfiguration()
	configuration.Servers = api.ServerConfigurations{{URL: url}}
	return api.NewAPIClient(configuration)
}

// connected is what makes the client send this API key.
func connected(key string) context.Context {
	keys := map[string]api.APIKey{"apiKey": {Key: key}}
	return context.WithValue(context.Background(), api.ContextAPIKeys, keys)
}

// unique is a UUID.
func unique() string {
	random := make([]byte, 16)
	if _, err := rand.Read(random); err != nil {
		log.Fatal(err)
	}
	random[6], random[8] = random[6]&0x0f|0x40, random[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", random[:4], random[4:6], random[6:8], random[8:10], random[10:])
}

// named is a name for a request, which has to come back.
func named(operation string) string {
	return "go-" + operation + "-" + unique()
}

func checked(condition bool, name string) {
	if !condition {
		log.Fatal("FAILED: ", name)
	}
	fmt.Println("ok:", name)
}

func text(value api.NullableString) string {
	if value.Get() == nil {
		return "null"
	}
	return *value.Get()
}

// succeeded is the answer, which has to have this status.
func succeeded(status int, answer *http.Response, err error) *http.Response {
	if err != nil || answer.StatusCode != status {
		log.Fatalf("FAILED: %v is not %d: %v", answer, status, err)
	}
	return answer
}

// refused is what an answer says that has to be this error.
func refused(expected problem, answer *http.Response, err error) string {
	var failure *api.GenericOpenAPIError
	if !errors.As(err, &failure) || answer == nil || answer.StatusCode != expected.status {
		log.Fatalf("FAILED: %v is not %d: %v", answer, expected.status, err)
	}
	if expected.code == "" {
		return ""
	}
	said, typed := failure.Model().(api.ErrorResponse)
	if !typed || said.Errors[0].Error.Code != expected.code {
		log.Fatalf("FAILED: %s is not %s", failure.Body(), expected.code)
	}
	return said.Errors[0].Error.Details
}

// written is a moment as RFC 3339, with an offset.
func written(moment time.Time) string {
	return moment.In(time.FixedZone("", 3600)).Format(time.RFC3339Nano)
}

// found is what an answer has, which has to be one.
func found[T any](value T, answer *http.Response, err error) T {
	succeeded(200, answer, err)
	return value
}

// What is the same for customers' categories and for definitions.

const ended = "Contract ended + “gone”"

// keyed is a request that can be repeated.
type keyed[R any] interface {
	IdempotencyKey(string) R
	XRequestId(string) R
	Execute() (*http.Response, error)
}

type conditional[R any] interface {
	keyed[R]
	IfMatch(string) R
}

type deletion[R any] interface {
	conditional[R]
	Reason(string) R
}

type reading[R, A any] interface {
	IfNoneMatch(string) R
	XRequestId(string) R
	Execute() (A, *http.Response, error)
}

type paged[R, P any] interface {
	Limit(int32) R
	Cursor(string) R
	XRequestId(string) R
	Execute() (P, *http.Response, error)
}

type bounded[R, P any] interface {
	paged[R, P]
	From(string) R
	To(string) R
}

type history[E any] interface {
	GetHistory() []E
	GetNextCursor() string
}

// entry has its methods where a list has none: at the pointer.
type entry[E any] interface {
	*E
	GetChange() string
	GetChangedAt() time.Time
	GetReason() string
}

// created sends what creates, repeats it, and sends another request under the same key; it returns the entity tag.
func created[R keyed[R]](place string, request, other R) string {
	key, name := unique(), named("create")
	send := func(request R) (*http.Response, error) {
		return request.IdempotencyKey(key).XRequestId(name).Execute()
	}
	answer, err := send(request)
	etag := succeeded(201, answer, err).Header.Get("ETag")
	checked(etag != "", "it is created")
	checked(answer.Header.Get("X-Request-Id") == name, "the request has the name it was given")
	checked(strings.HasSuffix(answer.Header.Get("Location"), place), "and is at a place")
	repeated, err := send(request)
	checked(succeeded(201, repeated, err).Header.Get("ETag") == etag, "a repetition is answered alike")
	answer, err = send(other)
	details := refused(conflict, answer, err)
	checked(strings.Contains(details, "Idempotency-Key"), "another request under its key is not")
	return etag
}

// read reads, and not again while nothing has changed.
func read[R reading[R, A], A interface{ GetCreatedAt() time.Time }](etag string, request R) A {
	value := found(request.XRequestId(named("get")).Execute())
	checked(time.Since(value.GetCreatedAt()).Abs() < time.Hour, "times are times")
	_, answer, err := request.IfNoneMatch(etag).Execute()
	refused(notModified, answer, err)
	checked(true, "not again while it stays")
	return value
}

// changed changes, but not from a stale revision; it returns the new entity tag.
func changed[R conditional[R]](etag string, request R) string {
	stale := request.IfMatch(etag)
	answer, err := stale.IdempotencyKey(unique()).XRequestId(named("update")).Execute()
	next := succeeded(204, answer, err).Header.Get("ETag")
	checked(next != "" && next != etag, "it is changed")
	answer, err = stale.Execute()
	refused(preconditionFailed, answer, err)
	checked(true, "but not from a stale revision")
	return next
}

// pages is two pages of a list.
func pages[R paged[R, P], P interface{ GetNextCursor() string }](limit int32, request R) (P, P) {
	request = request.Limit(limit)
	page := found(request.XRequestId(named("list")).Execute())
	return page, found(request.Cursor(page.GetNextCursor()).Execute())
}

// deleted deletes, and repeats that.
func deleted[R deletion[R]](etag string, request R) {
	request = request.IfMatch(etag).Reason(ended).IdempotencyKey(unique()).XRequestId(named("delete"))
	for range 2 {
		answer, err := request.Execute()
		succeeded(204, answer, err)
		checked(true, "it is deleted, however often that is repeated")
	}
}

// lookedBack is the entries of what was created, updated and deleted, the last first.
func lookedBack[R bounded[R, P], P history[E], E any, PE entry[E]](createdAt time.Time, request R) []E {
	changes := func(entries []E) string {
		var all []string
		for at := range entries {
			all = append(all, PE(&entries[at]).GetChange())
		}
		return strings.Join(all, " ")
	}
	first, second := pages(2, request)
	entries := append(first.GetHistory(), second.GetHistory()...)
	checked(changes(entries) == "deleted updated created", "the history has it all")
	checked(PE(&entries[0]).GetReason() == ended, "and why")
	updatedAt := PE(&entries[1]).GetChangedAt()
	between := found(request.From(written(createdAt)).To(written(updatedAt)).Execute())
	checked(changes(between.GetHistory()) == "created", "between two moments too")
	return entries
}

func customersCategories() {
	const org = "telco"
	customer := unique()
	categories := client.CategoriesAPI
	create := categories.CreateCategory(ours, org, customer)
	get := categories.GetCategory(ours, org, customer, 7)
	list := categories.ListCategories(ours, org, customer)

	_, answer, err := list.Execute()
	checked(refused(notFound, answer, err) != "", "an unknown customer is a typed error")
	_, answer, err = get.Execute()
	checked(refused(notFound, answer, err) != "", "so is an unknown category")
	_, answer, err = categories.ListCategories(connected("unknown"), org, customer).Execute()
	details := refused(unauthorized, answer, err)
	checked(strings.Contains(details, "x-auth-roles"), "an error says in its details what is wrong")
	_, answer, err = list.AsOf("2999-12-31T23:59:59+01:00").Execute()
	details = refused(badRequest, answer, err)
	checked(strings.Contains(details, "as_of"), "a moment in the future is refused as such")

	body := api.NewPostCustomerCategory(7, *api.NewNullableString(api.PtrString("influencer")))
	body.SetDescription("Bill discount")
	body.SetReason("Sponsored videos")
	bare := create.PostCustomerCategory(*api.NewPostCustomerCategory(7, *api.NewNullableString(nil)))
	etag := created("/"+customer+"/categories/7", create.PostCustomerCategory(*body), bare)
	answer, err = bare.Execute()
	checked(strings.Contains(refused(conflict, answer, err), "already"), "it is not created twice")
	negative := api.NewPostCustomerCategory(-8, *api.NewNullableString(nil))
	answer, err = create.PostCustomerCategory(*negative).Execute()
	succeeded(201, answer, err)
	category := read(etag, get)
	right := text(category.Value) == "influencer" && text(category.Description) == "Bill discount"
	checked(right, "it is read back")

	patch := api.NewPatchCustomerCategory()
	patch.SetValue("ambassador")
	patch.SetDescriptionNil()
	patch.SetReason("Loyalty campaign")
	etag = changed(etag, categories.UpdateCategory(ours, org, customer, 7).PatchCustomerCategory(*patch))
	first, second := pages(1, list)
	var seen []string
	for _, each := range append(first.Categories, second.Categories...) {
		seen = append(seen, fmt.Sprint(each.Id, " ", text(each.Value), " ", text(each.Description)))
	}
	listed := strings.Join(seen, ", ")
	checked(listed == "-8 null null, 7 ambassador null", "it is listed as changed, page by page")
	then := written(category.CreatedAt)
	past := found(list.AsOf(then).Execute()).Categories
	last := past[len(past)-1]
	checked(last.Id == 7 && text(last.Value) == "influencer", "and as it was")
	alone := found(get.AsOf(then).Execute())
	checked(text(alone.Description) == "Bill discount", "as is the one alone")

	deleted(etag, categories.DeleteCategory(ours, org, customer, 7))
	history := client.HistoryAPI.ListCategoryHistory(ours, org, customer).CategoryId(7)
	entries := lookedBack(category.CreatedAt, history)
	before := entries[1].Previous.Get()
	checked(before != nil && text(before.Description) == "Bill discount", "and what was before")
	checked(entries[2].Previous.Get() == nil, "and that there was nothing before the first")
}

// madeSo says what customers carry, be it there or not.
func madeSo() {
	const org = "telco"
	customer := unique()
	categories := client.CategoriesAPI
	put := categories.SetCategory(ours, org, customer, 7)
	body := api.NewPutCustomerCategory(*api.NewNullableString(api.PtrString("gold")))
	body.SetDescription("Top tier")
	body.SetReason("Scored")
	said := put.PutCustomerCategory(*body)
	only := said.IfNoneMatch("*").XRequestId(named("set"))
	answer, err := only.IdempotencyKey(unique()).Execute()
	etag := succeeded(201, answer, err).Header.Get("ETag")
	checked(etag != "", "one that is not there is created")
	answer, err = only.Execute()
	refused(preconditionFailed, answer, err)
	checked(true, "where one is there, it is not")
	answer, err = said.Execute()
	checked(succeeded(204, answer, err).Header.Get("ETag") == etag, "what is so stays as it is")
	bare := api.NewPutCustomerCategory(*api.NewNullableString(api.PtrString("silver")))
	etag = changed(etag, put.PutCustomerCategory(*bare))
	category := found(categories.GetCategory(ours, org, customer, 7).Execute())
	checked(category.Description.Get() == nil, "what a body leaves out is cleared")

	set := api.NewCategoryChange("set", customer, 7)
	set.SetValue("gold")
	set.SetDescription("Top tier")
	set.SetReason("Scored")
	set.SetIfMatch(strings.Trim(etag, `"`))
	remove := api.NewCategoryChange("delete", customer, 8)
	remove.SetReason("Scored")
	other := api.NewCategoryChange("set", unique(), 7)
	other.SetValueNil()
	changes := api.NewCategoryChanges([]api.CategoryChange{*set, *remove, *other})
	request := categories.ChangeCategories(ours, org).CategoryChanges(*changes)
	keyed := request.IdempotencyKey(unique()).XRequestId(named("batch"))
	for range 2 {
		made := found(keyed.Execute())
		var outcomes []string
		for _, each := range made.Results {
			outcomes = append(outcomes, each.Outcome)
		}
		right := strings.Join(outcomes, " ") == "updated absent created" && made.Failed == 0
		checked(right, "a batch says what became of each")
	}
	made := found(request.Execute())
	failure := made.Results[0].Error.Get()
	checked(made.Failed == 2 && failure != nil && failure.Code == preconditionFailed.code, "and why it failed")
	checked(made.Results[2].Outcome == "unchanged", "one customer's failure is not another's")
	twice := api.NewCategoryChanges([]api.CategoryChange{*other, *other})
	_, answer, err = request.CategoryChanges(*twice).Execute()
	details := refused(badRequest, answer, err)
	checked(strings.Contains(details, "changes[1].id"), "what is malformed is named by its place")
}

func theCatalogue() {
	// Of an organisation that is new, because the history of a catalogue is the whole organisation's.
	org := "telco-" + unique()
	catalogue := client.CatalogueAPI
	define := catalogue.DefineCategory(ours, org)
	get := catalogue.GetDefinition(ours, org, 9)
	list := catalogue.ListDefinitions(ours, org)
	_, answer, err := list.Execute()
	checked(refused(notFound, answer, err) != "", "an unknown catalogue is a typed error")

	body := api.NewPostDefinition(9, "Tier")
	body.SetDescription("How much they spend")
	body.SetValidValues([]string{"silver", "gold"})
	body.SetArchived(false)
	body.SetReason("Asked for by billing")
	taken := define.PostDefinition(*api.NewPostDefinition(11, " TIER\u200b"))
	etag := created("/"+org+"/categories/9", define.PostDefinition(*body), taken)
	answer, err = taken.Execute()
	details := refused(conflict, answer, err)
	checked(strings.Contains(details, "category 9"), "a name is taken, also where it only looks the same")
	former := api.NewPostDefinition(-10, "Former tier")
	former.SetArchived(true)
	answer, err = define.PostDefinition(*former).Execute()
	succeeded(201, answer, err)
	definition := read(etag, get)
	checked(text(definition.Description) == "How much they spend" && !definition.Archived, "it is read back")
	checked(slices.Equal(definition.ValidValues, []string{"silver", "gold"}), "its values in their order")

	carry(org)

	patch := api.NewPatchDefinition()
	patch.SetName("Level")
	patch.SetDescriptionNil()
	// This client leaves out a slice that is nil, so it can't send `null`.
	patch.SetValidValues([]string{})
	patch.SetArchived(true)
	patch.SetReason("Renamed")
	etag = changed(etag, catalogue.UpdateDefinition(ours, org, 9).PatchDefinition(*patch))
	now := found(get.Execute())
	checked(text(now.Description) == "null" && now.Archived, "it is cleared, and archived")
	checked(now.ValidValues != nil && len(now.ValidValues) == 0, "no values are not the same as any")
	answer, err = define.PostDefinition(*api.NewPostDefinition(11, "tier")).Execute()
	succeeded(201, answer, err)
	checked(true, "a name that nobody has any more is free")
	rename := api.NewPatchDefinition()
	rename.SetName("LEVEL")
	answer, err = catalogue.UpdateDefinition(ours, org, 11).PatchDefinition(*rename).Execute()
	checked(strings.Contains(refused(conflict, answer, err), "category 9"), "a taken one is not")

	first, second := pages(2, list)
	var seen []string
	for _, each := range append(first.Categories, second.Categories...) {
		seen = append(seen, fmt.Sprint(each.Id, " ", each.Name, " ", each.Archived))
	}
	checked(strings.Join(seen, ", ") == "-10 Former tier true, 9 Level true, 11 tier false", "all are listed")
	then := written(definition.CreatedAt)
	past := found(list.AsOf(then).Execute()).Categories
	last := past[len(past)-1]
	checked(last.Id == 9 && last.Name == "Tier", "and as they were")
	checked(found(get.AsOf(then).Execute()).Name == "Tier", "as is the one alone")

	deleted(etag, catalogue.DeleteDefinition(ours, org, 9))
	_, answer, err = get.Execute()
	checked(refused(notFound, answer, err) != "", "what is deleted is not found")
	entries := lookedBack(definition.CreatedAt, catalogue.ListDefinitionHistory(ours, org).CategoryId(9))
	before := entries[0].Previous.Get()
	right := text(entries[0].Name) == "null" && before != nil && before.Name == "Level"
	checked(right, "and what it was called last")
	before = entries[1].Previous.Get()
	checked(before != nil && slices.Equal(before.ValidValues, []string{"silver", "gold"}), "and what was before")
	checked(entries[2].Previous.Get() == nil, "and that there was nothing before the first")
}

// carry gives customers what the catalogue allows.
func carry(org string) {
	categories, customer := client.CategoriesAPI, unique()
	give := func(id int32, value *string) (*http.Response, error) {
		body := api.NewPostCustomerCategory(id, *api.NewNullableString(value))
		return categories.CreateCategory(ours, org, customer).PostCustomerCategory(*body).Execute()
	}
	answer, err := give(9, api.PtrString("Gold"))
	details := refused(badRequest, answer, err)
	right := strings.Contains(details, "\"gold\" is")
	checked(right, "a value that the catalogue does not have is refused, with the one meant")
	answer, err = give(-10, nil)
	checked(strings.Contains(refused(notFound, answer, err), "archived"), "an archived category is not given")
	answer, err = give(9, api.PtrString("gold"))
	succeeded(201, answer, err)
	category := found(categories.GetCategory(ours, org, customer, 9).Execute())
	checked(text(category.Value) == "gold", "a value of the catalogue is")
	search(org, customer)
}

// search finds who carries a category, page by page, and counts them.
func search(org, customer string) {
	categories, carriers := client.CategoriesAPI, client.CarriersAPI
	for _, value := range []*string{api.PtrString("silver"), nil} {
		body := api.NewPostCustomerCategory(9, *api.NewNullableString(value))
		answer, err := categories.CreateCategory(ours, org, unique()).PostCustomerCategory(*body).Execute()
		succeeded(201, answer, err)
	}
	list, count := carriers.ListCarriers(ours, org, 9), carriers.CountCarriers(ours, org, 9)
	page := found(list.Limit(1).XRequestId(named("search")).Execute())
	all := page.Customers
	for page.NextCursor != nil {
		page = found(list.Limit(1).Cursor(*page.NextCursor).Execute())
		all = append(all, page.Customers...)
	}
	var values []string
	for _, each := range all {
		values = append(values, text(each.Value))
	}
	slices.Sort(values)
	checked(slices.Equal(values, []string{"gold", "null", "silver"}), "who carries it is found")
	gold := found(list.Value("gold").Execute()).Customers
	checked(len(gold) == 1 && gold[0].CustomerId == customer, "and who does with one value")
	without := found(list.HasValue(false).Execute()).Customers
	checked(len(without) == 1 && text(without[0].Value) == "null", "and who does without")
	counted := found(count.HasValue(true).XRequestId(named("count")).Execute())
	checked(counted.Count == 2 && counted.Precision == "exact", "they are counted")
	checked(found(count.Value("gold").Execute()).Count == 1, "with one value too")
	answer, err := client.CatalogueAPI.DeleteDefinition(ours, org, 9).Execute()
	checked(refused(inUse, answer, err) != "", "what is carried keeps its definition")
	for _, each := range all {
		answer, err := categories.DeleteCategory(ours, org, each.CustomerId, 9).Execute()
		succeeded(204, answer, err)
	}
}

func main() {
	customersCategories()
	madeSo()
	theCatalogue()
}
