// Package relay lets Sitecore's own scripts send through the site: the Engage SDK, the
// Cloud SDK and the Content SDK. A page's script then speaks to its own origin, where
// lists of third parties and outages of the CDP do not affect it. What it sends is
// queued, ordered and retried as the tracker's own events are.
//
//	mux := http.NewServeMux()
//	mux.Handle(relay.Path+"/", handler) // of relay.New
//	mux.Handle("/", tracker.Handler(site))
//
// In the page, the base address of the SDK is that path of the page's own origin:
// targetURL of Engage, sitecoreEdgeUrl of the Cloud SDK, edgeUrl of the Content SDK.
//
// # What it answers
//
//	create.json            an ID that is ready, or the one that the visitor has
//	show.json              from memory for IDs that the tracker made, else from the CDP
//	events                 201 at once, when the event is in the queue
//	callFlows, personalize from the CDP, once the visitor's events are sent, or after 300 ms
//	personalize/cdn-url    from the CDP, if it is an https URL
//	search                 from the CDP
//
// Everything else is answered 404, with JSON.
//
// # What it refuses
//
// Only scripts of the page's own origin are heard. The client key or the context, the site
// and the browser ID have to be those of the tracker and of the visitor's cookie. The
// tracker's gate and consent apply: without them nothing is sent, no ID is made, and the
// scripts are answered as usual. Every refusal has a reason; [Reasons] lists them, and the
// tracker's Snapshot counts them.
//
// No cookie and no authorization passes to the CDP, and no cookie comes back from it.
//
// # What it costs
//
// The CDP takes a visitor's place from the address that a request comes from. Behind a relay
// that is the server's. Nothing public says that the CDP reads X-Forwarded-For; with
// [Options.ForwardIP] the relay sends it, and "goaltrack doctor --ask-location" asks a tenant
// what it makes of that.
package relay
