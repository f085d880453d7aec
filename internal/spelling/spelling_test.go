package spelling

import "testing"

func TestDistance(t *testing.T) {
	for _, tt := range []struct {
		a, b string
		want int
	}{
		{"", "", 0},
		{"visit", "visit", 0},
		{"vist", "visit", 1},
		{"visit", "", 5},
		{"", "if", 2},
		{"sumbit", "submit", 2},
		{"kitten", "sitting", 3},
		{"lable", "label", 2},
	} {
		if got := Distance(tt.a, tt.b); got != tt.want {
			t.Errorf("from %q to %q: %d, want %d", tt.a, tt.b, got, tt.want)
		}
	}
}
