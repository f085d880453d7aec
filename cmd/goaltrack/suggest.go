package main

import (
	"fmt"

	"github.com/goaltrack/goaltrack/internal/spelling"
)

// didYouMean returns a suggestion to put behind a message about a name that
// does not exist, or nothing when none of the names is close.
func didYouMean(prefix, name string, names []string) string {
	// A slip or two, or one in three letters, is still the same word.
	best, limit := "", min(max(2, len(name)/3), len(name)-1)
	for _, candidate := range names {
		if d := spelling.Distance(name, candidate); d <= limit {
			best, limit = candidate, d-1
		}
	}
	if best == "" {
		return ""
	}
	return fmt.Sprintf("; did you mean %s%s?", prefix, best)
}
