// Package web shows a report as pages that need no script: conversions over time, what
// refused forms look like, and what to look at first.
//
//	pages, err := web.New(web.Options{Store: recorder.Store(), Authorize: isColleague})
//	...
//	http.Handle("/report/", pages) // with Path: "/report"
//
// Authorize says who may look, and is required. docs/report.md shows the pages, and says what
// the numbers are.
package web

// The way of a request: access.go lets it in, and period.go reads which days and which
// site it is about. ask.go asks the store, overview.go or goal.go says what the answer
// means, and the templates show it. export.go gives the same numbers as JSON and CSV.
