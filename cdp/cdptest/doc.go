// Package cdptest is a Sitecore CDP for tests, examples and local development:
// an [http.Handler] that answers like the stream API, holds every request to
// the published contract, records what arrived and misbehaves on demand.
//
// In a test:
//
//	s := cdptest.NewServer(t, cdptest.Options{})
//	send(s.Direct())                             // the code under test
//	s.Expect(t, "CONTACT_SENT").With("topic", "sales").Within(time.Second).Once()
//
// In a main program, mount [New] on any server; GET / lists what arrived.
//
// # The contract
//
// Requests are those of the direct API and of the edge proxy, as documented on
// doc.sitecore.com (pages "sending-events-1166442", "event-object",
// "send-additional-event-data", "troubleshooting-1153275" and, for the browser
// ID, "bx-browsercreate") and as sent by @sitecore/engage 1.4.3,
// @sitecore-cloudsdk/events 0.6.1 and @sitecore-content-sdk/events 2.1.2:
//
//	GET  /v1.2/browser/create.json            a new browser ID
//	GET  /v1.2/browser/{browser ID}/show.json its guest
//	POST /v1.2/events                         an event
//	GET  /v1.2/event/create.json              an event in the URL
//	GET  /v2.1/guests/{guest ID}              a guest, by the REST API
//
// The first three exist under /v1/events too, which makes them calls to the
// edge proxy. Where documentation and SDKs disagree the documentation wins, so
// that what passes here has no excuse to fail there: an ext attribute holding a
// list, which the SDKs let through, is refused.
//
// Scripts in pages of any origin may call, as the browser SDKs must; what their
// browsers ask beforehand is answered, not recorded, and met by no fault.
//
// One habit of the real CDP is kept on purpose, because it is the one people
// lose days to: an event for a point of sale the tenant does not have is
// answered 201 and never seen again. Here it is recorded with [Event.Lost] set.
//
// Not looked at: the values of channel, language, currency and page, and
// whether the guest of an ORDER_CHECKOUT has been identified. Of the REST API
// there is only that one call, with a guest's lastSeen; Personalize and batch calls
// answer 404.
//
// # Bounds
//
// A body may have 1 MB. Of events and requests the newest [Options.Keep] are
// kept, of each kind at most 32 MB; of browser IDs the newest 100,000 are known.
package cdptest
