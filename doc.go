// Package goaltrack turns what already happens on a web site into Sitecore CDP
// goals: a page visited, a form accepted, a file downloaded. It is a net/http
// middleware; the goals stand in a YAML file that a marketer can read.
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
//
// A goal is decided when the application has answered, which is why a form
// counts only if it was accepted: a redirect to the next page, not the same
// page again with its errors. The event is handed to a bounded queue when the
// handler has returned, and workers deliver it; no answer waits for the CDP.
//
// # What it never does
//
// It never blocks an answer, flushes it, or changes its status or body. What it
// may add is the visitor's browser-ID cookie and, if a rule needs one, the visit
// cookie, on answers that no shared cache may keep; their deletion; and private
// in the Cache-Control of such an answer that did not say who may keep it. Only where the
// configuration asks for it does an answer wait, for a bounded time: for an ID
// (Cookie.Wait), for the disk (Delivery.SpoolDir), for delivery (Delivery.Wait). It reads of a form what the handler
// reads, and keeps of it only the fields that a rule names. It recovers from no
// panic of the application and adds none. A request that no rule can match, and
// that is no person's way to a page, goes on with its own http.ResponseWriter
// and *http.Request.
//
// # What it does not promise
//
// The CDP has no idempotency key: an event whose answer was lost is sent again
// and may count twice, and the account says how often that was possible. The
// default queue is in memory: a crash loses what it holds, and Delivery.SpoolDir
// keeps it on disk. A request that never
// reaches the server, because a cache answered it, is not seen.
//
// # The account
//
// Every decision about a goal and every event ends in one fate with a name, and
// [Account] adds them up. If a goal did not count, [Tracker.Snapshot] says why.
package goaltrack
