package report

import (
	"maps"
	"slices"
)

// When a day is over, what few share joins [Other]. A value that somebody wrote into an
// address can name a single person, as a campaign with a number for each recipient does.
// So can a combination of values, of which each is shared by many.

// foldable reports whether the texts of a dimension may name a single visitor. Those of
// the others are the site's own.
func foldable(d Dimension) bool { return d == Page || d == Source || d == Campaign || d == Language }

// FoldParts makes one value of those that a day of a site has for fewer than least page
// visits, and for fewer conversions of any goal. The keys in gone have to be deleted, and
// what is in added has to be added.
func FoldParts(parts map[PartKey]Amount, least uint64) (gone []PartKey, added map[PartKey]Amount) {
	type value struct {
		d    Dimension
		text string
	}
	type counted struct{ visits, conversions uint64 } // a download has no page visit
	seen := map[value]counted{}
	for k, a := range parts {
		v := value{k.Dimension, k.Text}
		c := seen[v]
		if k.Goal == Visits {
			c.visits += a.N
		} else {
			c.conversions = max(c.conversions, a.N)
		}
		seen[v] = c
	}
	added = map[PartKey]Amount{}
	for k, a := range parts {
		c := seen[value{k.Dimension, k.Text}]
		if !foldable(k.Dimension) || isPlain(k.Text) || c.visits >= least || c.conversions >= least {
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
