// Package cdp is a client for the stream API of Sitecore CDP: it makes browser
// IDs, checks events, and sends them, once each, saying exactly what became of
// them. It imports the standard library only.
//
// # Sites
//
// There are two ways to the CDP, and a [Site] is one of them. [Direct] is a CDP
// or Personalize tenant at its own host, named by a client key and a point of
// sale; browsers on such a site run the Boxever library or the Engage SDK and
// keep their ID in the cookie bid_<client key>. [Edge] is a SitecoreAI (XM
// Cloud) site behind the Experience Edge, named by a context ID and a site
// name; browsers run the Cloud SDK or the Content SDK, with the cookie sc_cid.
// An ID belongs to the way it was made.
//
// # Events
//
// An [Event] is made with [View], [Custom], [Form], [Identity.Event],
// [Order.Event], or by hand. [Event.Validate] reports every fault at once, and
// more than the official SDKs look for: names, types, codes, and what each
// standard event needs. The CDP answers 201 to much that it will never show, so
// this is where faults are found. [Event.AppendJSON] writes the body, in a
// layout that can be completed later.
//
// # Outcomes
//
// A sender has to know whether an event was counted, whether the event or the
// sender is at fault, and whether repeating can count it twice. Every error of
// a [Client] answers that with an [Outcome]:
//
//	outcome          what came back                                     sensible reaction
//	accepted         2xx, whatever the body                             done
//	event bad        400, 413, 415, 422, other 4xx; not valid; a 2xx    keep the event aside with the reason
//	                 whose JSON reports a failure
//	browser unknown  404 with the CDP's NOT_FOUND                       ask Show, then make a new ID
//	sender bad       401, 402, 403, another 404, 405, 407, 421, 451,    stop, keep all events, tell somebody
//	                 3xx, 501, 505
//	not processed    not sent; 408, 425, 429, 503                       send again, after RetryAfter
//	unknown          sent, no answer; 500, 502, 504, other 5xx          send again only if a duplicate is bearable
//
// The client never retries. A redirect is never followed, because net/http turns
// a POST answered 301, 302 or 303 into a GET without a body, whose 200 looks
// like a delivery. No Idempotency-Key is sent: the API documents none, and
// net/http takes one as leave to send a POST twice. For the same reason GETs
// that create something are kept from net/http's own repetition.
//
// # What is sent beside the event
//
// The User-Agent is the visitor's if [Client.Post] is given it. The visitor's IP
// address is never sent; nothing documents that the CDP would read it. The
// header X-Client-Software-ID names this package and its version. That is our
// choice, after the edge SDKs' example; the CDP does not ask for it.
//
// # Against the official SDKs
//
// The tests compare URL, method, headers, body and cookie name with recordings
// of @sitecore/engage 1.4.3, @sitecore-cloudsdk/events 0.6.1 and
// @sitecore-content-sdk/events 2.1.2. The differences are deliberate:
//
//   - Lists and objects in ext are refused. The SDKs send them, although the
//     documentation asks for scalars.
//   - Query values are percent-encoded, the braces of create.json's message={}
//     as well.
//   - X-Library-Version, the version of Sitecore's library, is not sent; Accept
//     is. X-Client-Software-ID is sent to direct hosts, too. A GET carries no
//     Content-Type.
//   - An event without a browser ID is refused; the SDKs send an empty one.
//   - Language is sent in upper case, as documented; the SDKs send what they
//     are given.
//   - requested_at is sent only if [Event.RequestedAt] is set.
//
// # What is not known
//
// Sitecore documents the GET form of the event endpoint only; the POST is what
// every published SDK sends. Rate limits, maximum lengths and whether events can
// be dated back are not published. This package was built from documentation
// and from those recordings, not against a live tenant.
package cdp
