package ext

import (
	"regexp"
	"testing"
)

func TestAppendUUID(t *testing.T) {
	uuid := regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)
	for _, word := range []uint64{0, 1, 1<<64 - 1, 0x0123456789abcdef} {
		if got := string(AppendUUID(nil, word, ^word)); !uuid.MatchString(got) {
			t.Errorf("%s is no version 4 UUID", got)
		}
	}
}
