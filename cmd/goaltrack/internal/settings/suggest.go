package settings

import (
	"fmt"

	"github.com/goaltrack/goaltrack/internal/spelling"
)

// DidYouMean returns a suggestion to put behind a message about a name that
// does not exist, or nothing when none of the names is close.
func DidYouMean(prefix, name string, names []string) string {
	// A slip or two, or one in three letters, is still the same word.
	best, limit := "", min(max(2, len(name)/3), len(name)-1)
	for _, candidate := range names {
		d := spelling.Distance(name, candidate)
		if d == 2 && isAnagram(name, candidate) {
			d = 1 // two letters that changed places
		}
		if d <= limit {
			best, limit = candidate, d-1
		}
	}
	if best == "" {
		return ""
	}
	return fmt.Sprintf("; did you mean %s%s?", prefix, best)
}
