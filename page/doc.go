// Package page counts what happens inside pages: clicks, elements seen, forms begun,
// videos played. It has a script of about one kilobyte for the site's pages, and the
// collector to which the script tells what happens. Both are served from the site's own
// address. The goals stand in the rule file, under click:, seen:, played:, started:, read:
// and stay:, and all that the rule file says of goals holds for them, too.
//
//	pages, err := page.New(tracker, page.Options{})
//	...
//	router.Handle(pages.Path()+"/", pages)
//
// In a template, {{.Script}} is pages.Script(r). It prints a tag with the goals of this
// page, or nothing: if no goal concerns the page, or the visitor may not be counted.
// A site whose pages are files, or are kept by shared caches, has one fixed tag instead,
// which [Page.Loader] returns.
//
// docs/page.md says how to put it into a site, with the consent tools, and what it costs.
package page

// These are its parts. script is the source of what runs in pages; "go generate" minifies it into
// script.min.js. file.go has what is served of it, and page.go where, and the tags.
// collector.go has what the script may tell, and inject.go the tag in pages that nobody
// can change; inject_head.go says in which not.

//go:generate go -C build run .
