package rule

import (
	"fmt"
	"slices"
	"strings"
)

// What needs a database of people is done by Sitecore, and not here: a visit cookie knows one
// browser. The pages at doc.sitecore.com have the titles that stand in these sentences.
const (
	segmentsDoIt    = `a segment of Sitecore CDP does it, over all that a person did on any device (doc.sitecore.com, "Introduction to batch segmentation")`
	profileDoesIt   = `goaltrack keeps no profile of people; ` + segmentsDoIt
	experienceDoIt  = `Sitecore Personalize decides what to show to whom, and a goal can be the goal of its experiment (doc.sitecore.com, "Add a custom goal to an experiment"); used by: experiment says so in the file`
	triggeredDoesIt = `a goal starts it, and Sitecore does the rest (doc.sitecore.com, "Create a trigger for a triggered experiment"); used by: journey says so in the file`
)

// elsewhere says where Sitecore does what a key or a source asks for, by its first word, ""
// for all else.
func elsewhere(text string) string {
	word, _, _ := strings.Cut(strings.ToLower(strings.TrimPrefix(text, "$")), ".")
	for _, of := range []struct {
		words []string
		says  string
	}{
		{[]string{"segment", "segments", "audience", "audiences", "cohort", "lifetime", "ltv", "rfm", "score", "orders", "purchases", "history"}, segmentsDoIt},
		{[]string{"person", "people", "guest", "customer", "profile", "user", "visitor", "contact"}, profileDoesIt},
		{[]string{"experience", "experiment", "personalize", "personalization", "personalisation", "decision", "offer"}, experienceDoIt},
		{[]string{"journey", "automation", "email campaign", "mail", "trigger experience"}, triggeredDoesIt},
	} {
		if slices.Contains(of.words, word) {
			return of.says
		}
	}
	return ""
}

// ofElsewhere is the fault of a key that asks for what Sitecore does, "" for all else.
func ofElsewhere(key string) (message, hint string) {
	if hint = elsewhere(key); hint != "" {
		message = fmt.Sprintf("unknown key %s:", key)
	}
	return message, hint
}
