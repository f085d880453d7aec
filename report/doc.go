// Package report counts what goaltrack decides, over time: conversions and page visits by
// hour and day, by page, source, campaign, language, device and variant. It answers who
// asks for them, such as a page or the command "goaltrack report".
//
// A [Recorder] takes the facts of a tracker and adds them to a [Store] once a second:
//
//	recorder, err := report.New(report.Options{Store: report.NewMemory(0)})
//	...
//	tracker, err := goaltrack.New(goaltrack.Config{Report: recorder, ...})
//	...
//	result, err := report.Ask(ctx, recorder.Store(), report.Query{Site: "shop", From: from, To: to, By: report.ByGoal})
//	...
//	tracker.Close(ctx)
//	recorder.Close(ctx)
//
// [NewMemory] keeps a few days in memory. Package report/sqlite keeps them in a file, and
// contrib/postgres in a database that several instances share. Package report/reporttest
// is what every store has to pass.
//
// # What is stored
//
// Counts are stored, and no visitors. Totals are kept by hour. Everything else is kept by
// day: the day of the site's own time zone, with 23 or 25 hours when the clocks change.
// When a day is over, values and combinations that fewer than five share join "(other)".
// After 400 days only totals by day remain. Visitors who may not be counted are only a
// number by site, goal, reason and day.
//
// Different browsers are counted by sketches (HyperLogLog), whose key is made anew each
// month, never written, and then forgotten. A single count can still be matched with the
// CDP by who has both, so a report is pseudonymous at fine grain, and not anonymous.
package report
