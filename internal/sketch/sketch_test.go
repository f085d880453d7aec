package sketch

import (
	"math"
	"math/rand/v2"
	"testing"
)

// TestCount: the estimate is close, also of sketches that were written and merged.
func TestCount(t *testing.T) {
	for _, n := range []int{0, 1, 5, 100, 1000, 1500, 10_000, 100_000, 500_000} {
		random := rand.New(rand.NewPCG(1, uint64(n)))
		var whole, merged Sketch
		parts := make([]Sketch, 3)
		for i := range n {
			hash := random.Uint64()
			whole.Add(hash)
			whole.Add(hash) // once more counts nothing
			parts[i%3].Add(hash)
			parts[(i+1)%3].Add(hash)
		}
		for i := range parts {
			if err := merged.Merge(parts[i].Bytes()); err != nil {
				t.Fatal(err)
			}
		}
		if off := math.Abs(float64(whole.Count())-float64(n)) / max(1, float64(n)); off > 0.05 {
			t.Errorf("%d of %d", whole.Count(), n)
		}
		if merged.Count() != whole.Count() {
			t.Errorf("merged: %d, and %d at once", merged.Count(), whole.Count())
		}
	}
}

// FuzzMerge: nothing that is read breaks a sketch, and what is taken can be written and
// read again.
func FuzzMerge(f *testing.F) {
	var few, many Sketch
	for i := range uint64(5000) {
		if hash := i * 0x9e3779b97f4a7c15; i < 100 {
			few.Add(hash)
		} else {
			many.Add(hash)
		}
	}
	f.Add([]byte{})
	f.Add(few.Bytes())
	f.Add(many.Bytes())
	f.Add([]byte{formList, 0xff, 0xff, 0xff, 0xff})
	f.Fuzz(func(t *testing.T, written []byte) {
		var s, again Sketch
		if s.Merge(written) != nil {
			return
		}
		if err := again.Merge(s.Bytes()); err != nil || again.Count() != s.Count() {
			t.Errorf("%v: %d, then %d", err, s.Count(), again.Count())
		}
	})
}
