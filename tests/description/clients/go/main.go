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
	"strings"
	"time"

	api "clients/client"
)

const org = "telco"

var (
	customer = unique()
	ours     = connected("API_KEY")
	client   = configured(os.Args[1])
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

// refused is what an answer says that has to be this error; code is empty where it has no body.
func refused(status int, code string, answer *http.Response, err error) string {
	var problem *api.GenericOpenAPIError
	if !errors.As(err, &problem) || answer == nil || answer.StatusCode != status {
		log.Fatalf("FAILED: %v is not %d: %v", answer, status, err)
	}
	if code == "" {
		return ""
	}
	said, typed := problem.Model().(api.ErrorResponse)
	if !typed || said.Errors[0].Error.Code != code {
		log.Fatalf("FAILED: %s is not %s", problem.Body(), code)
	}
	return said.Errors[0].Error.Details
}

// written is a moment as RFC 3339, with an offset.
func written(moment time.Time) string {
	return moment.In(time.FixedZone("", 3600)).Format(time.RFC3339Nano)
}

func failsAsDescribed() {
	_, answer, err := client.CategoriesAPI.ListCategories(ours, org, customer).Execute()
	checked(refused(404, "MCUS.999.997", answer, err) != "", "an unknown customer is a typed error")
	_, answer, err = client.CategoriesAPI.GetCategory(ours, org, customer, 7).Execute()
	checked(refused(404, "MCUS.999.997", answer, err) != "", "so is an unknown category")
	_, answer, err = client.CategoriesAPI.ListCategories(connected("unknown"), org, customer).Execute()
	details := refused(401, "MCUS.999.996", answer, err)
	checked(strings.Contains(details, "x-auth-roles"), "an error says in its details what is wrong")
	future := client.CategoriesAPI.ListCategories(ours, org, customer).AsOf("2999-12-31T23:59:59+01:00")
	_, answer, err = future.Execute()
	details = refused(400, "MCUS.999.998", answer, err)
	checked(strings.Contains(details, "as_of"), "a moment in the future is refused as such")
}

func creates() string {
	body := api.NewPostCustomerCategory(7, *api.NewNullableString(api.PtrString("influencer")))
	body.SetDescription("Bill discount")
	body.SetReason("Sponsored videos")
	name := named("create")
	request := client.CategoriesAPI.CreateCategory(ours, org, customer).IdempotencyKey(unique()).XRequestId(name)
	created, err := request.PostCustomerCategory(*body).Execute()
	etag := succeeded(201, created, err).Header.Get("ETag")
	checked(etag != "", "a category is created")
	checked(created.Header.Get("X-Request-Id") == name, "the request has the name it was given")
	place := "/" + customer + "/categories/7"
	checked(strings.HasSuffix(created.Header.Get("Location"), place), "and is at a place")
	repeated, err := request.PostCustomerCategory(*body).Execute()
	checked(succeeded(201, repeated, err).Header.Get("ETag") == etag, "a repetition is answered alike")
	other := api.NewPostCustomerCategory(7, *api.NewNullableString(nil))
	answer, err := request.PostCustomerCategory(*other).Execute()
	refused(409, "MCUS.999.994", answer, err)
	bare := api.NewPostCustomerCategory(-8, *api.NewNullableString(nil))
	answer, err = client.CategoriesAPI.CreateCategory(ours, org, customer).PostCustomerCategory(*bare).Execute()
	succeeded(201, answer, err)
	return etag
}

func reads(etag string) time.Time {
	category, answer, err := client.CategoriesAPI.GetCategory(ours, org, customer, 7).XRequestId(named("get")).Execute()
	succeeded(200, answer, err)
	right := text(category.Value) == "influencer" && text(category.Description) == "Bill discount"
	checked(right, "it is read back")
	checked(time.Since(category.CreatedAt).Abs() < time.Hour, "times are times")
	_, answer, err = client.CategoriesAPI.GetCategory(ours, org, customer, 7).IfNoneMatch(etag).Execute()
	refused(304, "", answer, err)
	checked(true, "not again while it stays")
	return category.CreatedAt
}

func changes(etag string) string {
	patch := api.NewPatchCustomerCategory()
	patch.SetValue("ambassador")
	patch.SetDescriptionNil()
	patch.SetReason("Loyalty campaign")
	request := client.CategoriesAPI.UpdateCategory(ours, org, customer, 7).PatchCustomerCategory(*patch).IfMatch(etag)
	changed, err := request.IdempotencyKey(unique()).XRequestId(named("update")).Execute()
	next := succeeded(204, changed, err).Header.Get("ETag")
	checked(next != "" && next != etag, "it is changed")
	answer, err := request.Execute()
	refused(412, "MCUS.999.993", answer, err)
	checked(true, "but not from a stale revision")
	return next
}

func lists(createdAt time.Time) {
	list := client.CategoriesAPI.ListCategories(ours, org, customer)
	page, answer, err := list.Limit(1).XRequestId(named("list")).Execute()
	succeeded(200, answer, err)
	rest, answer, err := list.Limit(1).Cursor(page.GetNextCursor()).Execute()
	succeeded(200, answer, err)
	var seen []string
	for _, each := range append(page.Categories, rest.Categories...) {
		seen = append(seen, fmt.Sprint(each.Id, " ", text(each.Value), " ", text(each.Description)))
	}
	listed := strings.Join(seen, ", ")
	checked(listed == "-8 null null, 7 ambassador null", "it is listed as changed, page by page")
	then, answer, err := list.AsOf(written(createdAt)).Execute()
	succeeded(200, answer, err)
	last := then.Categories[len(then.Categories)-1]
	checked(last.Id == 7 && text(last.Value) == "influencer", "and as it was")
	get := client.CategoriesAPI.GetCategory(ours, org, customer, 7)
	category, answer, err := get.AsOf(written(createdAt)).Execute()
	succeeded(200, answer, err)
	checked(text(category.Description) == "Bill discount", "as is the one alone")
}

func deletes(etag string) {
	request := client.CategoriesAPI.DeleteCategory(ours, org, customer, 7).IfMatch(etag)
	request = request.Reason("Contract ended + “gone”").IdempotencyKey(unique()).XRequestId(named("delete"))
	for range 2 {
		answer, err := request.Execute()
		succeeded(204, answer, err)
		checked(true, "it is deleted, however often that is repeated")
	}
}

func looksBack(createdAt time.Time) {
	list := client.HistoryAPI.ListCategoryHistory(ours, org, customer).CategoryId(7)
	page, answer, err := list.Limit(2).XRequestId(named("history")).Execute()
	succeeded(200, answer, err)
	rest, answer, err := list.Limit(2).Cursor(page.GetNextCursor()).Execute()
	succeeded(200, answer, err)
	entries := append(page.History, rest.History...)
	var changes []string
	for _, entry := range entries {
		changes = append(changes, entry.Change)
	}
	checked(strings.Join(changes, " ") == "deleted updated created", "the history has it all")
	checked(text(entries[0].Reason) == "Contract ended + “gone”", "and why")
	before := entries[1].Previous.Get()
	right := before != nil && text(before.Description) == "Bill discount" && entries[2].Previous.Get() == nil
	checked(right, "and what was before")
	between, answer, err := list.From(written(createdAt)).To(written(entries[1].ChangedAt)).Execute()
	succeeded(200, answer, err)
	checked(len(between.History) == 1 && between.History[0].Change == "created", "between two moments too")
}

func main() {
	failsAsDescribed()
	first := creates()
	createdAt := reads(first)
	second := changes(first)
	lists(createdAt)
	deletes(second)
	looksBack(createdAt)
}
