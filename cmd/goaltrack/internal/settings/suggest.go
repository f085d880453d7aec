package settings

import (
	"fmt"

	"github.com/goaltrack/goaltrack/internal/spelling"
)

// DidYouMean returns a suggestion to append to a message about an unknown name.
// It returns "" if none of the names is close.
func DidYouMean(prefix, name string, names []string) string {
	// Two typing errors, or one in three letters, still make the same word.
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
