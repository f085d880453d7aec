package report

import (
	"cmp"
	"maps"
	"slices"
)

// When a day is over, what few share joins [Other]. A value that somebody wrote into an
// address can name a single person, as a campaign with a number for each recipient does.
// So can a combination of values, of which each is shared by many.

// foldable reports whether the texts of a dimension may name a single visitor. Those of
// the others are the site's own.
func foldable(d Dimension) bool { return d == Page || d == Source || d == Campaign || d == Language }

// mostKept is how many values of a dimension a day keeps when it is over.
const mostKept = 1000

// value is a value of a dimension.
type value struct {
	dimension Dimension
	text      string
}

// shared is how many page visits a value has, and how many conversions of the goal that has
// most: a download has no page visit.
type shared struct{ visits, conversions uint64 }

func (s shared) most() uint64 { return max(s.visits, s.conversions) }

// FoldParts makes one value of those that a day of a site has for fewer than least page
// visits, and for fewer conversions of any goal. So it does of those beyond the 1,000 of a
// dimension that have most. The keys in gone have to be deleted, and what is in added has
// to be added.
func FoldParts(parts map[PartKey]Amount, least uint64) (gone []PartKey, added map[PartKey]Amount) {
	values := map[value]shared{}
	for k, a := range parts {
		if !foldable(k.Dimension) || isPlain(k.Text) {
			continue
		}
		v := value{k.Dimension, k.Text}
		s := values[v]
		if k.Goal == Visits {
			s.visits += a.N
		} else {
			s.conversions = max(s.conversions, a.N)
		}
		values[v] = s
	}
	kept := keptOf(values, least)
	added = map[PartKey]Amount{}
	for k, a := range parts {
		if v := (value{k.Dimension, k.Text}); kept[v] || values[v] == (shared{}) {
			continue
		}
		gone = append(gone, k)
		k.Text = Other
		sum := added[k]
		sum.add(a)
		added[k] = sum
	}
	return gone, added
}

// keptOf are the values that stay.
func keptOf(values map[value]shared, least uint64) map[value]bool {
	list := slices.SortedFunc(maps.Keys(values), func(a, b value) int {
		return cmp.Or(cmp.Compare(a.dimension, b.dimension), cmp.Compare(values[b].most(), values[a].most()), cmp.Compare(a.text, b.text))
	})
	kept, rank := map[value]bool{}, 0
	for i, v := range list {
		if i == 0 || list[i-1].dimension != v.dimension {
			rank = 0
		}
		if rank++; rank <= mostKept && values[v].most() >= least {
			kept[v] = true
		}
	}
	return kept
}

// isPlain reports whether a text is one that stands for many.
func isPlain(text string) bool { return text == Other || text == Direct || text == None }

// foldOrder is the order in which combinations lose what tells them apart: what matters
// least goes first.
var foldOrder = [...]int{3, 4, 2, 1, 0} // language, device, campaign, source, page

// FoldCells makes combinations of a day coarser until each has at least least
// conversions, or all its texts are [Other].
func FoldCells(cells map[CellKey]Amount, least uint64) map[CellKey]Amount {
	cells = maps.Clone(cells)
	for _, i := range foldOrder {
		for _, k := range slices.Collect(maps.Keys(cells)) {
			a := cells[k]
			if a.N >= least || k.Texts[i] == Other {
				continue
			}
			delete(cells, k)
			k.Texts[i] = Other
			sum := cells[k]
			sum.add(a)
			cells[k] = sum
		}
	}
	return cells
}
