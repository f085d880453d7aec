// Package cdp is a client for the stream API of Sitecore CDP. It makes browser IDs, checks
// events, and sends them, once each, and says exactly what became of them. It needs the
// standard library only.
//
// # Sites
//
// There are two ways to the CDP, and a [Site] is one of them. An ID belongs to the way it
// was made.
//
//   - [Direct] is a CDP or Personalize tenant at its own host, named by a client key and a
//     point of sale. Browsers on such a site run the Boxever library or the Engage SDK.
//     They keep their ID in the cookie bid_<client key>.
//   - [Edge] is a SitecoreAI (XM Cloud) site behind the Experience Edge, named by a context
//     ID and a site name. Browsers run the Cloud SDK or the Content SDK. They keep their ID
//     in the cookie sc_cid.
//
// # Events
//
// An [Event] is made with [View], [Custom], [Form], [Identity.Event], [Order.Event], with the
// builders of searches and carts such as [Search.Event], [Product.Event] and [Confirm], or by
// hand. [Event.Validate] reports every fault at once: names, types, codes, and what each
// standard event needs. It looks for more than the official SDKs do, because the CDP
// answers 201 to much that it will never show. [Event.AppendJSON] writes the body, in a
// layout that can be completed later.
//
// # Outcomes
//
// A sender has to know three things. Was the event counted? Is the event at fault, or the
// sender? Can sending it again count it twice? Every error of a [Client] answers them with
// an [Outcome]:
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
// The client never retries. It follows no redirect: net/http turns a POST answered 301, 302
// or 303 into a GET without a body, and the 200 to that looks like a delivery. It sends no
// Idempotency-Key: the API documents none, and net/http takes one as permission to send a
// POST twice. For the same reason it keeps net/http from repeating a GET that creates
// something.
//
// # What is sent beside the event
//
// The User-Agent is the visitor's, if [Client.Post] is given it. The visitor's IP address
// is sent by [Client.PostFrom] alone; nothing documents that the CDP would read it. The
// header X-Client-Software-ID names this package and its version. That is our choice, after
// the example of the edge SDKs; the CDP does not ask for it.
//
// # Compared with the official SDKs
//
// The tests compare URL, method, headers, body and cookie name with recordings of
// @sitecore/engage 1.4.3, @sitecore-cloudsdk/events 0.6.1 and
// @sitecore-content-sdk/events 2.1.2. These differences are deliberate:
//
//   - Lists and objects in ext are refused. The SDKs send them, although the documentation
//     asks for scalars (doc.sitecore.com, "Send additional event data").
//   - Query values are percent-encoded, and so are the braces of create.json's message={}.
//   - X-Library-Version, the version of Sitecore's library, is not sent. Accept is sent.
//     X-Client-Software-ID is sent to direct hosts, too. A GET carries no Content-Type.
//   - An event without a browser ID is refused. The SDKs send an empty one.
//   - Language is sent in upper case, as documented. The SDKs send what they are given.
//   - requested_at is sent only if [Event.RequestedAt] is set.
//
// # What is not known
//
// Sitecore documents only the GET form of the event endpoint ("Sending events"); every
// published SDK sends the POST. Rate limits and maximum lengths are not published, nor
// whether an event may have a time in the past. This package was built from documentation
// and from those recordings, not against a live tenant.
package cdp
