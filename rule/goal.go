package rule

// Goal is one goal: what has to happen, and what the CDP is told. It is the rule
// file's entry in Go's words. [New] checks and compiles goals, with the same code as
// [Load] those of a file. What a field may not hold is a [Fault]. A Goal is not
// changed by that. What its maps and lists hold may not be changed afterwards.
//
// What has to happen is its trigger. That is one of Visit, Submit, Download, Code, Event
// and Any, or something that a visitor does in a page: Click, Seen, Played, Started, Read
// or Stay. One is required, and a second is a fault.
//
// Where a field says $source, it is a text such as "$form.topic". The sources are
// $path.x, $query.x, $form.x, $json.x, $header.x, $cookie.x, $redirect.x,
// $response.header.x, $response.json.x, $app.x, $element.x, $event.x, $utm.x,
// $referrer and $first.x. Any other text is sent as it is; a text that begins with a dollar sign is written with two.
// A source whose name says that it is a secret, such as $form.password, is a fault,
// and so is a header with credentials.
type Goal struct {
	// Name is the goal's name, unique among the goals. Unless Sends says
	// otherwise, it is also the type of the event that the CDP receives.
	// It is made of upper-case letters, digits and _, such as CONTACT_SENT,
	// perhaps after a site's name and a colon. Names that the CDP reserves are
	// faults (doc.sitecore.com, "Custom event"; see cdp.Reserved). Required.
	Name string
	// Renamed are the names that the goal had before, the oldest first. What is remembered
	// of visitors under the oldest name (Count, After and NotAfter) counts for this one. A
	// name of another goal is a fault, and so is one that two goals claim. Default: none.
	Renamed []string
	// Label, Note and Owner are for people. Default: none.
	Label, Note, Owner string
	// Sends is the event type if it differs from Name. Goals may share one. It may be
	// one of Sitecore's standard events: VIEW, SEARCH, FORM, ADD, ADD_CONTACTS, CONFIRM,
	// PAYMENT, CHECKOUT, CLEAR_CART, IDENTITY (with Identify) and ORDER_CHECKOUT (with
	// Order). ADD_CONSUMERS is for goals that are raised in code. docs/events.md has the
	// event that each sends. Default: Name.
	Sends string
	// Fields are what a standard event says, by the names of its page at Sitecore, such
	// as "item_id" (doc.sitecore.com, "Sending events"): literals, $sources, and for a
	// list also []any. Those of an ADD_CONTACTS are the keys of Identify. A literal that
	// the CDP would not take is a fault, and so is a required field that is missing. A
	// value of a $source that is missing or wrong keeps the goal from counting
	// ([ReasonFieldMissing], [ReasonFieldInvalid]), or is left out if the field is
	// optional. Default: none; a goal raised in code may get the whole event from the
	// application (see goaltrack's Tracker.Trigger).
	Fields map[string]any

	// The trigger.

	// Visit is the path of a page, such as "/products/{id}" or "/blog/**". It is
	// a GET by a person that is answered with HTML and 200, or with 304.
	// A page that is fetched ahead counts when it is shown. Pages that a script
	// fetches in place of a navigation (htmx, Turbo, Inertia, Next.js) count, too.
	Visit string
	// Submit is a form that the application accepted (see Success).
	Submit Submit
	// Download is the path of a file: a GET answered with 200, or with a 206
	// that begins at the first byte.
	Download string
	// Code says that the application raises the goal, with goaltrack's
	// Tracker.Trigger or Tracker.Send.
	Code bool
	// These happen in a page. goaltrack's script in it reports them, which a site has to
	// switch on. Anybody can make up for themselves what a page reports, so the event has
	// the attribute goalFrom with the value "page".
	//
	// An element is named by a bare word of letters, digits, - and _: it is the
	// element's attribute data-goal. Any other text is a CSS selector. "form" in
	// Started is any form, and "video" in Played any film.

	// Click is a click on an element, or on what is in it.
	Click Click
	// Seen is an element that was in view for a second, half of it or half a window
	// full. It happens once in each view of a page.
	Seen string
	// Played is a film, or a sound, of HTML that was played.
	Played Played
	// Started is a form of which somebody fills in the first field.
	Started string
	// Read is how far down somebody came on a page, such as "75%".
	Read string
	// Stay is how long a page was in view, such as "30s", at most an hour.
	Stay string
	// On is the path of the pages on which these happen, and on which Event does, as in
	// Visit. Default: every page.
	On string
	// Event is the type of an event that one of Sitecore's own scripts sends through
	// goaltrack's relay, such as "CLICKED". Its attributes are $event.x. goaltrack
	// passes the event on as it came, beside the goal's own.
	Event string
	// Any are alternatives; one is enough.
	Any []Trigger

	// Success says which answer means that the form was accepted: "redirect",
	// "redirect to /thanks", "303 to /orders/{orderId}", "200", "2xx", or
	// "confirmed" (the handler calls goaltrack's Tracker.Confirm). It is for
	// Submit only.
	//
	// Default: 201, 202, 204, or a 302 or 303 to another page of the site.
	// Neither the form itself nor the page in the Referer is another page. A
	// page whose path or query is that of a log-in or an error does not count
	// as one either. The home page is doubtful: see [ReasonDoubtfulRedirect].
	Success string
	// SuccessIf says it with conditions on the answer instead, for forms sent by
	// a script that always answer 200: "response.json.ok": true. They can hold
	// only for 2xx, or for a redirect that is a success by default.
	//
	// The answer has to be readable: up to 16 KiB of JSON, as it is or compressed
	// with gzip or deflate. Otherwise the reason is [ReasonAnswerUnreadable], also
	// for the conditions of If and Unless and for Data. Default: none.
	SuccessIf Conditions

	// If must hold altogether, and nothing of Unless may hold. Default: none.
	If, Unless Conditions

	// Status is "live", "draft" (decided and counted, never sent) or "paused".
	// Default: "live".
	Status string
	// From and Until limit the goal to a time: "2026-12-01" or
	// "2026-12-01 18:00", in Timezone. A date in Until includes that day.
	// Timezone is an IANA name. Default: no limits; UTC.
	From, Until, Timezone string
	// Env limits the goal to environments, of which goaltrack's Config.Env names
	// the one that runs. Hosts limits it to host names, such as "shop.example" or
	// "*.shop.example", without ports. Default: everywhere.
	Env, Hosts []string

	// Count is how often the goal counts: "every", "once per session", "once per
	// visitor", "once per day", "once per week" or "once per month". A day, week or month
	// is one of the calendar in Timezone, or else of the site's time zone; a week begins on
	// Monday. Each may be followed by "for $source", for each
	// value. "once per $source" is once per visitor and value. A goal whose
	// $source has no value does not count. Default: "every".
	//
	// Once means offered to the queue once, whatever becomes of the event. What
	// counted is kept in the visitor's visit cookie. docs/counting.md says what that
	// can do and what not.
	Count string
	// After are goals, at most 10, that must have happened before in the session,
	// in this order and in other requests. A goal has happened when its rule
	// held, also as a draft, or if it had been counted before. Default: none.
	After []string
	// AfterEach are goals, at most 10. Each must have happened so often, or within such a
	// time, in any order. What happened in earlier sessions is known as far as the
	// visitor's visit cookie has it. A file says it with a mapping under after:. Default:
	// none.
	AfterEach map[string]Often
	// NotAfter are goals, at most 10. The goal does not count if one of them
	// has happened before in the session. Default: none.
	NotAfter []string
	// NotAfterEach are goals, at most 10. The goal does not count if one of
	// them has happened so often, or within such a time, or if the visit cookie
	// has forgotten that ([ReasonPastForgotten]). Default: none.
	NotAfterEach map[string]Often
	// Within is how long it may take from the first goal of After to now, such as
	// "30m" or "2h". Default: as long as the session.
	Within string
	// Session is in which of the visitor's sessions the goal counts: "3", or a comparison
	// such as ">= 3". The visit cookie counts sessions from when a rule first asks. A
	// visitor who may have been there before has no number until their next session, and
	// the goal does not count in it ([ReasonOtherSession]). Default: in all.
	Session string
	// Consent is the consent that the goal needs: "required" (to every category),
	// "analytics", "marketing" or "not-needed". The last counts whatever
	// goaltrack's Config.Consent says. Visitors who opted out are not counted
	// even then. Default: "required".
	Consent string
	// Late is what happens to an event that could not be delivered for more than
	// a minute: "send", marked with the attribute late, or "drop". It holds for all
	// that the goal sends.
	//
	// Default: by the event. One that only means something within its session is
	// dropped once it is older than the site's SessionLength. It would open another
	// session, for which the visitor may get a mail. This concerns VIEW, SEARCH, the
	// events of a cart, and a goal that a journey uses (UsedBy). All others are
	// sent, and so are IDENTITY and ORDER_CHECKOUT in any case.
	Late string
	// UsedBy says what in Sitecore uses the goal: "experiment", "journey",
	// "segment". It decides with Late what happens to an event that is late, and
	// tells people what depends on the goal. Default: nothing is known.
	UsedBy []string
	// Expect is how often the goal counts in a day if all is well: "daily", or "at
	// least 5 per day". It changes nothing about what counts. Package report/health
	// tells when it is missed. Default: nothing is expected.
	Expect string
	// Bots "count" lets a form by a suspected bot count all the same.
	// Default: bots never count.
	Bots string

	// Identify names the visitor before the goal is sent, with an IDENTITY event
	// (doc.sitecore.com, "IDENTITY event"). "email" is their address. These keys describe
	// the person: "title", "firstName", "lastName", "gender", "dob", "mobile", "phone",
	// "street", "city", "state", "postalCode" and "country". Every other key is an
	// identity provider, and its value the ID there.
	//
	// Values are $sources. The e-mail address and IDs may be hashed:
	// "sha256($form.email)". An [IdentifierFrom] also says how long an ID is good.
	//
	// What a visitor typed proves nothing: the CDP would merge their profile with
	// that of the person whose address they typed. So what they can write ($form,
	// $json, $query and so on) needs Success "confirmed", or the key "verified"
	// with the value true. Default: nobody is named.
	Identify map[string]any
	// IdentityProvider is the provider of the e-mail address: that of the
	// tenant's identity rule. Required with "email".
	IdentityProvider string
	// Forget ends the visitor's profile on this browser when the goal counts, as
	// a log-out should. The goal itself still belongs to that profile. With the
	// next page, the browser has a new ID, which is another guest in the CDP.
	//
	// The cookie is deleted with the answer, and so are the visit cookies. That holds for
	// every instance of the site, and for other sites of the tenant. Only this process
	// remembers it, for the last 1,024 visitors, if the goal was decided after the header
	// was written. The same holds if a shared cache may keep the answer, or if the goal
	// was raised on a request that is not followed. Default: false.
	Forget bool
	// Order sends an ORDER_CHECKOUT in place of a custom event. The CDP counts it
	// only for a customer whom it knows (doc.sitecore.com, "ORDER_CHECKOUT
	// event"), so it needs Identify. Default: a custom event.
	Order Order

	// Value is what the goal is worth. Default: nothing is said.
	Value Value
	// Decimal is how visitors write numbers: "comma" (1.234,56) or "point"
	// (1,234.56), with or without what parts thousands and the sign of a currency. It
	// holds for Value, for the numbers of Data and for comparisons. Default: 1234.56 and nothing else.
	Decimal string
	// Data is sent in the event's ext: literals (texts, numbers, true, false),
	// $sources and [DataFrom]. Names are letters and digits, beginning with a
	// letter. There may be 44: the CDP takes 50 (doc.sitecore.com, "Send
	// additional event data"), of which goaltrack may send 6 itself.
	// A text of over 1 KiB is a fault here. As the value of a $source, it keeps
	// the goal from counting ([ReasonValueTooLong]). What has no value is left
	// out, and so are lists and objects. Default: none.
	Data map[string]any

	// Cookies are the cookies that the goal may read, by their exact names. One that
	// a source or a condition names, and this list does not, is a fault. Most cookies
	// of a site let somebody in. goaltrack's and Sitecore's own are never read. A file
	// says it once for all goals. Default: none.
	Cookies []string
	// Allow are names of fields, parameters, headers or cookies that look like
	// secrets but are not, such as "pin_code" for a postal code. Case does not
	// matter. A live site logs those that are read. Default: none.
	Allow []string

	// Examples are judged by [Set.CheckExamples]. Default: none.
	Examples Examples

	// Page is the page that the event is on, as a literal or a $source. Default:
	// the page the visitor was on, named by the last fixed segment of its
	// address.
	Page string
	// Language, Currency, Channel and PointOfSale replace what the site says, as
	// a literal or a $source. A language, currency or channel that the CDP does
	// not take is a fault as a literal. As the value of a $source, it leaves what
	// the site says. Channel may be "auto": WEB, or MOBILE_WEB by what the browser
	// says of itself. Currency may be "none": values are points, and no currency is
	// sent, but with an order. Default: what the site says.
	Language, Currency, Channel, PointOfSale string
}

// Trigger is one alternative of a goal.
type Trigger struct {
	// Exactly one of these is set. They mean what those of [Goal] mean.
	Visit    string
	Submit   Submit
	Download string
	Code     bool
	Click    Click
	Seen     string
	Played   Played
	Started  string
	Read     string
	Stay     string
	Event    string
	// On is the path of the pages on which it happens; see [Goal.On].
	On string
}

// Click is the trigger of a click. One of its fields is set, or both.
type Click struct {
	// Element is the element; see [Goal.Click]. Default: whatever leads to To.
	Element string
	// To is where the link leads: "other-site", "tel" or "mailto". Default: anywhere.
	To string
}

// Played is the trigger of a film.
type Played struct {
	// Element is the film. Required.
	Element string
	// Part is how much was played: "start", "end" or a part of it such as "50%".
	// Default: "start".
	Part string
}

// Submit is the trigger of a form.
type Submit struct {
	// Path is where the form is sent to, such as "/contact". Required.
	Path string
	// Method is POST, PUT, PATCH or DELETE, in any case. Default: POST.
	Method string
	// Form narrows it to forms that say so themselves in a field named form,
	// form_id, formId or form_name, for pages with several forms at one address.
	// Default: any form.
	Form string
}

// Examples say what counts and what does not, in lines such as "POST /contact
// topic=sales -> 303 /thanks". See [ParseExample] for how to write one.
type Examples struct {
	// Counts are those by which the goal fires, Ignores those by which it does not.
	Counts, Ignores []string
}

// Conditions are tests by what they look at. The keys are "path", "host", "route",
// "referrer", "response.type", and with a name after the dot "query.q", "form.email",
// "json.user.plan", "header.x", "cookie.x", "utm.source", "app.x",
// "response.header.x" and "response.json.x", "element.x", "event.x" and "first.campaign".
//
// A test is "present", "absent", a value, or a list of values ([]any) of which one is
// enough. It may also be "~ regex" with Go's syntax, or a comparison with a number such
// as "> 10". Values are compared as texts, with regard to case, but for host and
// response.type. One of "path" is a template, as in [Goal.Visit]. A value over 2 KiB
// passes no test.
type Conditions map[string]any

// Value is what a goal is worth. It is set with Amount or with From.
type Value struct {
	// Amount is a number above 0.
	Amount float64
	// From is a $source. If it has no value, none is sent, and neither is one that
	// is no number, or is below 0 and the visitor's (the note value_unreadable). What
	// the application says may be below 0, as a refund is.
	From string
	// Currency is an ISO 4217 code, such as EUR, or "none" for points. Default:
	// that of the goal, or of the site.
	Currency string
	// Max bounds what From may say; more, or less than its negative, keeps the goal from counting
	// ([ReasonValueTooLong]). It is required where the visitor writes it: $form,
	// $query, $cookie, $header and so on. Default: no bound.
	Max float64
}

// Order is an order placed, in $sources or literals.
type Order struct {
	// ID and Total are required. Total must not come from the visitor.
	ID, Total string
	// Currency is an ISO 4217 code. Default: the site's.
	Currency string
	// Payment and Card are how it was paid. Default: "Other"; none.
	Payment, Card string
	// Items is a $app source that the handler sets to a []cdp.OrderItem.
	// Default: none, and the order is sent without items.
	Items string
	// ItemType is the type of items that do not say one, in upper case. It has to be
	// one that the tenant's schema knows. Default: none, and none is sent.
	ItemType string
}

// IdentifierFrom is a $source in [Goal.Identify] that identifies somebody.
type IdentifierFrom struct {
	// From is the $source.
	From string
	// Hash is "sha256" to send a fingerprint in place of the value. Default: the value.
	Hash string
	// Expires says until when the identifier is good, as a literal or a $source:
	// "2027-12-31", "2027-12-31T23:59", or a time in UTC such as "2027-12-31T23:59:59Z".
	// If the value of a $source is not such a time, Expires is left out. Default: for
	// ever.
	Expires string
}

// DataFrom is a $source in [Goal.Data] that is sent as a certain type. The CDP stops
// ingesting an attribute that changes its type (doc.sitecore.com, "Send additional
// event data").
type DataFrom struct {
	// From is the $source. Required.
	From string
	// As is "text", "number" or "bool". A value that cannot be made into it is
	// left out. Default: as it is.
	As string
}

// Defaults apply to every goal of a rule file that does not say otherwise. They are
// fixed texts, not $sources, which not every goal could read.
type Defaults struct {
	// These are what the fields of the same names in [Goal] are. Default: as there.
	Language, Currency, Channel string
	Timezone, Count, Consent    string
	Decimal                     string
	IdentityProvider            string
	// Connector is "cdp4s" if FuseIT's CDP4S shall count the goals: behind the event of
	// each goal, a second one of type CDP4SGOAL is sent, with the goal's name and value.
	// Default: no second event.
	Connector string
	// Failure are pages to which a refused form leads; a redirect there is no
	// success. They add to those that are known by their words, such as
	// /account/login and /errors/500. "!/login" takes one away. Default: none.
	Failure []string
	// Cookies and Allow are what the fields of the same names in [Goal] are, for all
	// goals of a file. They stand at its top.
	Cookies, Allow []string
}
