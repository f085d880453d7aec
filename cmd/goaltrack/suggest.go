package main

import "fmt"

// didYouMean returns a suggestion to put behind a message about a name that
// does not exist, or nothing when none of the names is close.
func didYouMean(prefix, name string, names []string) string {
	// A slip or two, or one in three letters, is still the same word.
	best, limit := "", min(max(2, len(name)/3), len(name)-1)
	for _, candidate := range names {
		if d := distance(name, candidate); d <= limit {
			best, limit = candidate, d-1
		}
	}
	if best == "" {
		return ""
	}
	return fmt.Sprintf("; did you mean %s%s?", prefix, best)
}

// distance is the number of letters to insert, drop or change to make b of a
// (Levenshtein).
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := diagonal
			if a[i] != b[j] {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, row[j]+1, diagonal+1)
		}
	}
	return row[len(b)]
}
