// Package rule is the language of goaltrack's rule file: what has to happen on a
// site, and what the CDP is told when it does.
//
//	goals:
//	  - goal: CONTACT_SENT
//	    submit: /contact
//	    if: { form.topic: present }
//	    data: { topic: $form.topic }
//
// [Load], [Parse] and [New] make a [Set] of goals, checked and compiled: all faults
// at once, each with its place and what to write. A [Goal] is the entry of the file
// in Go's words. [Set.CheckExamples], [Set.Explain] and [Set.NewReplay] try a set on
// examples and on a site's log.
//
// A live site goes the other way: it tells an [Exchange] what it sees of one request
// and its answer, asks [Set.Find] which goals can happen, and each [Cause] whether
// it did: [Cause.Early] before the handler runs, [Cause.Judge] at the answer's
// header and when the handler has returned. The answer is a [Reason]; what fires is
// an [Event] of plain values. Judging is pure: the same code decides on a live site,
// in an example and in a replay. The package knows no writers and no queue, and of
// package cdp only names, limits and values.
package rule
