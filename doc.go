// Package goaltrack turns what already happens on a web site into Sitecore CDP
// goals: a page visited, a form accepted, a file downloaded. It is a net/http
// middleware. The goals stand in a YAML file that a marketer can read.
//
//	rules, err := goaltrack.LoadRules("goals.yaml")
//	...
//	tracker, err := goaltrack.New(goaltrack.Config{
//		Sites: []goaltrack.Site{{
//			CDP:      cdp.Direct{Region: cdp.EU, ClientKey: key, PointOfSale: "shop"},
//			Language: "EN", Currency: "EUR",
//		}},
//		Rules: rules,
//	})
//	...
//	server := &http.Server{Handler: tracker.Handler(site)}
//	account, err := tracker.Close(ctx) // at the end, after server.Shutdown
//
// The tracker decides on a goal when the application has answered. So a form
// counts only if the application accepted it: by a redirect to the next page, not
// by the same page again with its errors. When the handler has returned, the
// tracker puts the event into a bounded queue, from which workers deliver it.
// Without Config.Consent it does not ask visitors.
//
// # What it never does
//
// It never flushes an answer, or changes its status or body. To an answer that
// no shared cache may keep it may add the browser-ID cookie and, if a rule
// needs one, the visit cookie. It may delete these cookies. If such an answer
// does not say who may keep it, "private" is added to its Cache-Control. By
// default no answer waits for anything of goaltrack's. The configuration can
// make one wait for a bounded time: for an ID (Cookie.Wait), for the disk
// (Delivery.SpoolDir), or for delivery (Delivery.Wait). The tracker sees of a
// form what the handler reads, and keeps the fields that a rule names. It
// recovers from no panic of the application and adds none. If no rule can
// match a request and it is no visit to a page, the handler gets its own
// http.ResponseWriter and *http.Request.
//
// # What it does not promise
//
// The CDP has no idempotency key: an event whose answer was lost is sent again
// and may count twice. The account says how often that was possible. The default
// queue is in memory, so a crash loses what it holds; Delivery.SpoolDir keeps it
// on disk. The tracker sees a page that a cache answered only with package page.
//
// # The account
//
// Every decision about a goal and every event ends in one fate with a name, and
// [Account] adds them up. If a goal did not count, [Tracker.Snapshot] says why.
package goaltrack
