package rule

// Goal is one goal: what has to happen, and what the CDP is told. It is the
// rule file's entry in Go's words; both are checked by the same code.
type Goal struct {
	// Name is the goal's name and, unless Sends says otherwise, the type of
	// the event the CDP receives: upper case, digits, _ and :, not a name the
	// CDP reserves. Unique among the goals.
	Name string
	// Label, Note and Owner are for people.
	Label, Note, Owner string
	// Sends is the event type, if it differs from Name; goals may share one.
	Sends string

	// The trigger is one of the next six fields, or Any.

	// Visit is the path of a page: a GET by a human that is answered with
	// HTML and 200 or 304. Prefetches do not count; pages fetched by a script
	// in place of a navigation (htmx, Turbo, Next.js) do.
	Visit string
	// Submit is a form that the application accepted (see Success).
	Submit Submit
	// Download is the path of a file: a GET answered with 200, or with a 206
	// that begins at the first byte.
	Download string
	// Code is raised by the application with [Tracker.Trigger] or
	// [Tracker.Send].
	Code bool
	// Click and Seen name an element of a page that a script would report.
	// This version has no such script: they are checked and never happen.
	Click, Seen string
	// Any are alternatives; one is enough.
	Any []Trigger

	// Success says which answer means that the form was accepted: "redirect",
	// "redirect to /thanks", "303 to /orders/{orderId}", "200", "2xx" or
	// "confirmed" (the handler calls [Tracker.Confirm]). Default: 201, 202, 204,
	// or a 302 or 303 to another page of the site: neither the form nor the page
	// in the Referer, no page of a log-in or an error by its name or its query,
	// and not the home page, whose reason is doubtful_redirect.
	Success string
	// SuccessIf says it with conditions on the answer instead, for forms sent
	// by a script that always answer 200: "response.json.ok": true. They hold
	// only for 2xx, or for a redirect that is a success by default, and only
	// if the answer could be read: up to 16 KiB of JSON, as it is or compressed
	// with gzip or deflate. Otherwise the reason is answer_unreadable, also for
	// the conditions of If and Unless and for data.
	SuccessIf Conditions

	// If must hold altogether, and nothing of Unless may hold.
	If, Unless Conditions

	// Status is "live", "draft" (decided and counted, never sent) or "paused".
	// Default: "live".
	Status string
	// From and Until limit the goal to a time: "2026-12-01" or
	// "2026-12-01 18:00", in Timezone (an IANA name; default UTC). A date in
	// Until includes that day.
	From, Until, Timezone string
	// Env and Hosts limit the goal to environments (see Config.Env) and to
	// host names, such as "shop.example" or "*.shop.example".
	Env, Hosts []string

	// Count is how often the goal counts: "every" (the default), "once per
	// session", "once per visitor", "once per day", each perhaps "for
	// $source", or "once per $source", which is once per visitor and value. A
	// goal whose $source has no value does not count. Once means offered to the
	// queue once, whatever becomes of the event. What counted is kept in the
	// visitor's visit cookie; docs/goals.md says what that can do and what not.
	Count string
	// After are goals, at most 10, that must have happened before in the
	// session, in this order and in other requests; Within a time such as "30m"
	// from the first of them to now. A goal has happened when its rule held,
	// also as a draft or if it had been counted before.
	After  []string
	Within string
	// Consent is the consent the goal needs: "required", to every category,
	// "analytics", "marketing", or "not-needed", which counts whatever
	// Config.Consent says; a visitor who opted out is not counted even then.
	// Default: "required".
	Consent string
	// Late is what happens to an event that could not be delivered for more
	// than a minute: "send" (the default, marked ext.late) or "drop".
	Late string
	// Bots "count" lets a form by a suspected bot count all the same.
	// Default: bots never count.
	Bots string

	// Identify names the visitor before the goal is sent, with an IDENTITY
	// event: "email", the person's "title", "firstName", "lastName", "gender",
	// "dob", "mobile", "phone", "street", "city", "state", "postalCode" and
	// "country"; every other key is an identity provider and its value the ID
	// there. Values are $sources, of which email and IDs may be hashed:
	// "sha256($form.email)". What a visitor typed proves nothing, and the CDP
	// would merge his profile with that of whoever's address he typed; so
	// $form, $json and $query need success: confirmed, or "verified": true.
	Identify map[string]any
	// IdentityProvider is the provider of the e-mail address: that of the
	// tenant's identity rule. Needed with "email".
	IdentityProvider string
	// Forget ends the visitor's profile on this browser when the goal counts,
	// as a log-out should: the goal itself is still his, and on the next page
	// the browser has a new ID, which is another guest in the CDP. The cookie
	// is deleted with the answer, which holds for every instance of the site and
	// for other sites of the tenant; so are their visit cookies.
	// If the goal is decided only after the header was written (its form was
	// not read by then), or the answer may be kept by a shared cache, or the
	// goal is raised on a request that is not followed, only this process
	// remembers it, for the last 1,024 visitors.
	Forget bool
	// Order sends an ORDER_CHECKOUT in place of a custom event. The CDP takes
	// it only for a visitor it knows, so it needs Identify.
	Order Order

	// Value is what the goal is worth.
	Value Value
	// Data is sent in the event's ext: literals (texts, numbers, true, false)
	// and $sources. Names are letters and digits, beginning with a letter.
	Data map[string]any

	// Examples are tried by [Set.CheckExamples].
	Examples Examples

	// Page, Language, Currency, Channel and PointOfSale replace what the site
	// says, as a literal or a $source. Page defaults to the page the visitor
	// was on: the last fixed segment of the address.
	Page, Language, Currency, Channel, PointOfSale string
}

// Trigger is one alternative of a goal. Exactly one field is set; they mean
// what those of [Goal] mean.
type Trigger struct {
	Visit       string
	Submit      Submit
	Download    string
	Code        bool
	Click, Seen string
}

// Submit is the trigger of a form. Method defaults to POST. Form narrows it to
// forms that say so themselves in a field named form, form_id, formId or
// form_name, for pages with several forms at one address.
type Submit struct {
	Path, Method, Form string
}

// Examples say in lines like "POST /contact topic=sales -> 303 /thanks" what
// counts and what does not (see [ParseExample]).
type Examples struct {
	Counts, Ignores []string
}

// Conditions are tests by what they look at: "query.q", "form.email",
// "json.user.plan", "header.x", "cookie.x", "app.x", "path", "host", "route",
// "response.header.x", "response.type". A test is "present", "absent", a value,
// a list of values ([]any), "~ regex" or a comparison such as "> 10".
type Conditions map[string]any

// Value is what a goal is worth: either an Amount other than 0, or From a
// $source. Currency defaults to the site's. Max bounds what a $source may say, which is needed
// where the visitor writes it ($form, $query, $cookie, $header).
type Value struct {
	Amount   float64
	From     string
	Currency string
	Max      float64
}

// Order is an order placed, in $sources or literals. ID and Total are needed.
// Items is a $app source set by the handler to a []cdp.OrderItem; without it,
// the order has one item made of the whole, of the type ItemType (default
// "ORDER").
type Order struct {
	ID, Total, Currency, Payment, Card, Items, ItemType string
}

// DataFrom is a $source in Data that is sent as a certain type: "text",
// "number" or "bool". A value that is none is left out.
type DataFrom struct {
	From, As string
}

// Defaults apply to every goal of a rule file that does not say otherwise. They
// are fixed texts, not $sources, which not every goal could read.
type Defaults struct {
	Language, Currency, Channel string
	Timezone, Count, Consent    string
	IdentityProvider            string
	// Failure are pages that a refused form leads to; a redirect there is no
	// success. They add to those that are known by their words, such as
	// /account/login and /errors/500; "!/login" takes one away.
	Failure []string
}
