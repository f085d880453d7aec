// Package health watches the goals that say expect:, and tells a program of the user's
// when one does not do what is expected of it, and when that is over.
//
//	watch, err := health.New(health.Options{Store: store, Fresh: recorder.Flush, URL: url, Secret: secret})
//	...
//	go watch.Run(ctx)
//
// look.go says how a goal is doing, by the numbers of a report; watch.go says who is told
// what, and how often; message.go has the words.
package health
