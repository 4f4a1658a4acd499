// Every English text of the console.

const many = new Intl.NumberFormat("en-GB");

export const texts = {
  locale: "en-GB",
  product: "Customers Categories",
  skip: "Skip to the content",
  loading: "Loading…",
  saving: "Saving…",
  cancel: "Cancel",
  none: "none",
  noValue: "no value",
  yes: "yes",
  no: "no",
  category: (id) => `Category ${id}`,
  number: (id) => `no. ${id}`,

  navigation: { label: "Organisation", organisation: "Organisation", customers: "Customers", catalogue: "Catalogue" },

  nowhere: { title: "There is nothing here", text: "The address leads to no view.", back: "Begin anew" },

  time: {
    shown: "Times are shown in",
    switch: "Switch between local time and UTC",
    precisely: (shown, utc) => `${shown} · ${utc}`,
  },

  key: {
    label: "API key",
    hint: "Stays in this tab, and is sent to the API alone.",
    local: (key) => `${key} is the local server's own.`,
    use: "Use this key",
    needed: "Which API key?",
    forget: "Forget key",
  },

  problem: {
    unreachable: "The API can't be reached",
    unreachableDetails: (url) => `${url} does not answer, or does not admit this page (CORS).`,
    status: (status) => `The API answered with status ${status}`,
    request: (id) => `Request ${id}`,
    again: "Try again",
    bug: "Something went wrong in this page",
  },

  start: {
    title: "Find a customer",
    heading: "What does this customer carry, and why?",
    lead:
      "Categories such as a loyalty tier or a churn risk, with every change that made them so: " +
      "who, when, from what to what, and the reason.",
    org: "Organisation",
    orgHint: "Such as telco.",
    customer: "Customer",
    customerHint: "The customer's UUID. Left out, the organisation's catalogue opens.",
    open: "Open",
    about: "What there is to see",
    demo: {
      org: "demo",
      customer: "123e4567-e89b-12d3-a456-556642440000",
      open: "Look at a made-up customer",
      hint: "They are there after",
      command: "cargo run -- demo",
    },
    points: [
      ["A customer", "What they carry now, by the catalogue's names. Add, change and remove, each with a reason."],
      ["A timeline", "Every change, newest first. Drag the slider back to see what they carried at any moment."],
      [
        "A catalogue",
        "Which categories there are and which values they take. Rename and archive without losing history.",
      ],
    ],
  },

  customer: {
    title: (id) => `Customer ${id}`,
    eyebrow: "Customer",
    carries: "Carries",
    add: "Add a category",
    asOf: (moment) => `As it was on ${moment}`,
    backToNow: "Back to now",
    unknown: {
      title: "Nothing is known of this customer",
      text: "Nobody has ever given them a category, or they were erased.",
    },
    none: {
      title: "This customer carries nothing",
      text: "All their categories were removed. The timeline says when and why.",
    },
    noneThen: { title: "Nothing yet", text: "At this moment the customer carried no category." },
  },

  carried: {
    tag: "yes",
    since: "since",
    changed: "changed",
    others: "Who else carries this?",
    history: "History",
    historyOf: (name) => `History of ${name}`,
    change: "Change",
    changeOf: (name) => `Change ${name}`,
    remove: "Remove",
    removeOf: (name) => `Remove ${name}`,
  },

  moment: {
    label: "Travel through time",
    slider: "Moment",
    now: "now",
    exact: (zone) => `Moment, ${zone}`,
    before: "To the change before",
    after: "To the change after",
  },

  timeline: {
    title: "Timeline",
    filter: "Show changes of",
    all: "All categories",
    more: "Load older changes",
    end: "This is where it began.",
    empty: "No changes",
    emptyText: "Whatever is changed from now on will be here.",
    later: (number) => (number === 1 ? "1 change since this moment" : `${number} changes since this moment`),
    lookThen: "See this moment",
    lookThenOf: (name) => `See this moment, of ${name}`,
  },

  entry: {
    created: "added",
    updated: "changed",
    deleted: "removed",
    was: "was",
    is: "is",
    by: "by",
    noReason: "No reason given",
    keptReason: "Reason as before:",
  },

  members: {
    value: "Value",
    description: "Description",
    reason: "Reason",
    name: "Name",
    validValues: "Valid values",
    archived: "Archived",
  },

  form: {
    add: "Add a category",
    change: (name) => `Change ${name}`,
    remove: (name) => `Remove ${name}`,
    define: "Define a category",
    category: "Category",
    otherCategory: "Another number…",
    id: "Number",
    idHint: "The number of a category that the catalogue does not define.",
    idForGood: "Names the category for good; it can't be changed.",
    optional: "May be left out.",
    valueHint: "Any text; left out, the category is carried without a value.",
    reasonHint: "Why? It is kept in the history for good.",
    reasonBefore: "The reason until now:",
    save: "Save",
    removeIt: "Remove",
    removeText: "The history keeps what was carried. Now it is:",
    archiveText: "Nobody can be given an archived category any more. Who carries it goes on to.",
    restoreText: "Customers can be given this category again.",
    takes: { any: "Any text", none: "None: it is a tag", listed: "One of a list" },
    listed: "One value per line",
  },

  done: {
    added: "The category has been added.",
    changed: "The change has been saved.",
    removed: "The category has been removed.",
    defined: "The category has been defined.",
  },

  conflict: {
    title: "Somebody else was faster",
    text: "This was changed while the form was open. Nothing of theirs has been overwritten; decide again.",
    gone: "This was removed while the form was open, so there is nothing to change any more.",
    keep: "Keep what I typed",
    take: "Take what is there now",
  },

  catalogue: {
    title: (org) => `Catalogue of ${org}`,
    heading: "Catalogue",
    categories: "Categories",
    define: "Define a category",
    search: "Name or number",
    showArchived: "Archived too",
    archived: "archived",
    undefined: "not defined",
    anyValue: "any text",
    noValues: "a tag, without values",
    carriers: "Who carries it",
    carriersOf: (name) => `Who carries it: ${name}`,
    archive: "Archive",
    restore: "Use again",
    archiveOf: (name, archived) => (archived ? `Use again: ${name}` : `Archive ${name}`),
    history: "History",
    historyOf: (name) => `Changes of ${name}`,
    wholeHistory: "All changes",
    empty: "This organisation has no catalogue yet",
    emptyText: "Define a category, so that its name and its values are known.",
    noneFound: "Nothing found",
    noneFoundText: "No category that is shown has such a name or number.",
  },

  carriers: {
    title: (name) => `Who carries ${name}`,
    eyebrow: "Who carries",
    definition: "Definition and history",
    any: "Any value or none",
    exact: "An exact value",
    find: "Find",
    count: (count, precision) =>
      `${precision === "at_least" ? "At least " : ""}${many.format(count)} ${count === 1 ? "customer" : "customers"}`,
    countedAt: "counted",
    customer: "Customer",
    since: "Since",
    more: "Load more",
    empty: "Nobody carries it",
    emptyText: "No customer has this category with such a value now.",
    late: "A change is here about a second after it was made.",
  },
};
