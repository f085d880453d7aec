// Package rule is the language of goaltrack's rule file: what has to happen on a
// site, and what Sitecore CDP is told when it does.
//
//	goals:
//	  - goal: CONTACT_SENT
//	    submit: /contact
//	    if: { form.topic: present }
//	    data: { topic: $form.topic }
//
// The guide to the language, for people who write such files, is docs/goals.md. This
// package is for programs. It needs no site and no CDP: it can check a file in a
// pipeline, say what a rule would make of a request, and count a log.
//
// # Checking and trying rules
//
// [Load] and [Parse] read a file, and [New] takes goals made in Go. All three make a
// [Set]: goals checked and compiled. If something is wrong, they return an [*Error]
// with every [Fault] at once, each with its place and what to write.
// [Set.Warnings] are what is no fault but may not be what was meant. [Schema] is the
// JSON Schema of the file, for editors.
//
// A [Goal] is the entry of the file in Go's words. Its parts are [Trigger], [Submit],
// [Conditions], [Value], [Order], [DataFrom] and [Examples]. [Defaults] are what a
// file says for all of its goals.
//
// [ParseExample] reads a request and its answer from a line of text, and
// [Set.Explain] says what each goal makes of it: a [Verdict], with a [Reason].
// [Set.CheckExamples] and [Set.TryExamples] do so for the examples in the rules.
// [Set.NewReplay] counts what the rules would have counted in the requests of an access
// log.
//
// # Judging a live site
//
// The rest of this package is what goaltrack's middleware asks while it serves a
// request. Few other programs need it, and its methods may change with any version.
// Some of them take or return types of goaltrack's internal packages.
//
// An [Exchange] is one request and its answer. It is told of them as they happen.
// [Set.Find] returns the goals that the request can make happen, each as a [Cause].
// [Exchange.Consider] says which of them may count before the handler runs, and
// [Cause.Judge] which did when the handler has returned. A goal that fired sends an
// [Event], of plain values on the [Base] that the site says.
//
// No request tells what happens inside a page. [Set.PageGoals] are what a script in the page
// has to look for. What it tells is an exchange of [Exchange.Telling]. [Set.Reported] finds
// the goal, [Set.Relayed] those of an event of Sitecore's own scripts, and
// [Cause.JudgeRaised] judges them.
//
// A goal that did not count may be worth showing as a [Miss]. [Leads] count the pages
// to which accepted forms led.
//
// Judging is pure: the same code decides on a live site, in an example and in a
// replay. This package knows no writers and no queue, opens no connection, and starts
// no goroutine.
//
// # Files
//
// docs/code.md lists the files in the order in which a rule goes through them: read, checked,
// compiled, judged, sent, explained.
//
// # Concurrency
//
// A [Set], its causes and all functions are safe for concurrent use. An [Exchange], a
// [Leads] and a [Replay] belong to one goroutine at a time.
package rule
