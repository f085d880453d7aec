// Package user uses the package beside it.
package user

import (
	"fmt"

	"github.com/goaltrack/goaltrack/internal/walls/testdata/seam/used"
)

// Thing leads to a type of the other package: whoever uses its fields through it
// uses the other package.
type Thing = used.Thing

func say(s used.Sayer) string { return s.Say() }

// Do uses some things twice, each of which counts once.
func Do() {
	t := used.New("a")
	u := used.New("b")
	t.Deepen()
	u.Deepen()
	fmt.Println(t.Say(), say(u), Thing{Name: "c"}.Depth, used.Size+used.Size)
	used.Shared++
	a, b := used.Box[int]{Value: 1}, used.Box[string]{Value: "x"}
	fmt.Println(a.Get(), b.Get(), a.Value, b.Value)
}
