// Package deliver brings events from a queue to the CDP. It knows nothing of
// requests, goals and rules: an event is an item of a queue, and what became of it
// is a text and a number.
//
// # What it promises
//
//   - Every event that Offer took ends in exactly one of three ways. It is
//     delivered. Or it is dead: given up, for a reason with a name. Or it is
//     dropped: lost with the process, because its queue does not outlive it. The
//     [Tally] counts each, so an account always balances.
//   - Offer waits for no network. It waits for the queue, which has a bound.
//   - The CDP does not notice that an event comes twice. An event that may have
//     counted is sent again, but only so often, and is counted as a possible
//     duplicate.
//   - The events of one visitor arrive in the order in which they happened. That
//     order is given up, and noted, before one visitor takes the place of others.
//   - What is refused or fails keeps nobody else's events waiting. The rule that
//     tells a wrong key from a bad event stands in sendgate.go, in five sentences.
//   - Close returns in time, also if the CDP or the queue hangs. Requests that come then are
//     refused at once.
//
// # Goroutines, and who owns what
//
//	request ──Offer──▶ queue ──▶ fetcher ──▶ scheduler ──jobs──▶ workers ──▶ CDP
//	                                             ▲                  │
//	                                             └─────finished─────┘
//
// Four kinds of goroutines take part:
//
//   - One scheduler (schedule.go, next.go) decides what is sent next, and what an
//     answer means (policy.go, bench.go). It owns all that is known of lines,
//     visitors and events, so none of that needs a lock. It never waits for the
//     network. Flush, States and Close have it run a function (asks).
//   - One fetcher carries events from the queue, as many as the scheduler asks for.
//   - The workers, Options.Workers for each line, do nothing but send. An event
//     belongs to its worker between jobs and finished.
//   - Requests call Offer, Reserve, Wait and Line.Replacement. What these read while
//     the scheduler runs has its own lock or is atomic. That is the Tally, the numbers
//     that requests wait for (wait.go), and a line's known, replaced and picky.
//
// # Words
//
// A line is one site's way to the CDP, a lane one visitor's way within it. The window
// is what the scheduler has taken from the queue. A gate counts what was not accepted
// in a row. While it is SLOW, one event at a time is tried. When that has lasted for
// so long that no single visitor can be the cause, its events are held. The bench is
// where single refused events wait for another try. A refusal that counts against an
// event is a strike.
//
// # An example
//
// Ann sends a form, and an IDENTITY goes before the goal. The tracker offers both
// items at once; the queue takes both. The fetcher hands them to the scheduler, which
// puts them into Ann's lane: the IDENTITY is ready, the goal is parked behind it. A
// worker posts the IDENTITY. The CDP answers 503 with Retry-After: 2, so it surely was
// not processed. The line pauses for two seconds, and the event waits for its next
// try. Then it is accepted: the tally says delivered, the queue gets its Ack, and the
// goal is next. Its connection breaks before an answer comes. Nobody knows whether it
// counted, so it is sent again, and accepted: one delivered, and one possible
// duplicate. If the connection had broken three times, the goal would be a dead letter
// now, for the reason "unknown". Ann's next event would go on.
package deliver
