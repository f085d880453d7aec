// Package cdptest is a Sitecore CDP for tests, examples and local development. It is an
// [http.Handler] that answers like the stream API, checks every request against the published
// contract, records what arrived, and misbehaves when told to.
//
// In a test:
//
//	s := cdptest.NewServer(t, cdptest.Options{})
//	send(s.Direct())                             // the code under test
//	s.Expect(t, "CONTACT_SENT").With("topic", "sales").Within(time.Second).Once()
//
// In a main program, mount [New] on any server. GET / lists what arrived.
//
// # The contract
//
// Requests are those of the direct API and of the edge proxy. They are documented on
// doc.sitecore.com, on the pages "sending-events-1166442", "event-object",
// "send-additional-event-data", "troubleshooting-1153275" and, for the browser ID,
// "bx-browsercreate". They are sent by @sitecore/engage 1.4.3, @sitecore-cloudsdk/events 0.6.1
// and @sitecore-content-sdk/events 2.1.2:
//
//	GET  /v1.2/browser/create.json            a new browser ID
//	GET  /v1.2/browser/{browser ID}/show.json its guest
//	POST /v1.2/events                         an event
//	GET  /v1.2/event/create.json              an event in the URL
//	GET  /v2.1/guests/{guest ID}              a guest, by the REST API
//
// The first three exist under /v1/events, too, which makes them calls to the edge proxy. Where
// documentation and SDKs disagree, the documentation wins: what passes here has no excuse to
// fail there. For example, an ext attribute that holds a list is refused, although the SDKs
// let it through.
//
// Scripts in pages of any origin may call, as the browser SDKs must. Their browsers ask for
// leave beforehand. That is answered, but not recorded, and no fault applies to it.
//
// One habit of the real CDP is kept on purpose, because it costs people days. An event for a
// point of sale that the tenant does not have is answered 201 and never seen again. Here it is
// recorded with [Event.Lost] set.
//
// Not checked are the values of channel, language, currency and page, and whether the guest of
// an ORDER_CHECKOUT has been identified. The REST API has only that one call, with a guest's
// lastSeen. Personalize and batch calls are answered 404.
//
// # Bounds
//
// A body may have 1 MiB. The newest [Options.Keep] events and as many requests are kept, of each
// kind at most 32 MiB. The newest 100,000 browser IDs are known.
package cdptest
