package report

import (
	"cmp"
	"context"
	"slices"
)

// A visitor can invent as many sources as they like. So a day has room for so many values
// of a dimension, and what comes later is Other. Half of the room is kept for the values
// that were the most frequent the day before: nobody can take it from those.

// room is how many values of a dimension a day of a site has.
var room = [dimensions]int{
	Page: 2000, Source: 500, Campaign: 500, Language: 100, Device: 10, Variant: 100, LedTo: 200, NearMiss: 400,
}

// mostCells is how many combinations a day of a site has.
const mostCells = 50_000

// known are the values that a day of a site has, or has room for.
type known struct {
	closed bool                        // few share what comes now
	values [dimensions]map[string]bool // true: seen on the day
	cells  map[CellKey]struct{}
}

// admit is the text, or Other if there is no room for it.
func (k *known) admit(d Dimension, text string) string {
	switch seen, kept := k.values[d][text]; {
	case seen:
		return text
	case isPlain(text):
		return text
	case k.closed && foldable(d):
		return Other
	case kept:
	case len(k.values[d]) >= room[d]:
		return Other
	}
	k.values[d][text] = true
	return text
}

// admitCell is the combination, or one of Others if there is no room for it.
func (k *known) admitCell(c CellKey) CellKey {
	if _, ok := k.cells[c]; ok {
		return c
	}
	if k.closed || len(k.cells) >= mostCells {
		for i := range c.Texts {
			c.Texts[i] = Other
		}
		return c
	}
	k.cells[c] = struct{}{}
	return c
}

// known are the values of a day.
func (c *counter) known(ctx context.Context, at SiteDay) *known {
	k := c.days[at]
	if k != nil {
		return k
	}
	k = &known{closed: at.Day <= c.closed[at.Site], cells: map[CellKey]struct{}{}}
	ctx, cancel := context.WithTimeout(ctx, storeTime)
	defer cancel()
	for d := Page; d < dimensions; d++ {
		k.values[d] = map[string]bool{}
		for _, text := range c.frequent(ctx, at.Site, at.Day, d) {
			k.values[d][text] = true
		}
		for i, text := range c.frequent(ctx, at.Site, at.Day-1, d) {
			if i < room[d]/2 && !k.values[d][text] {
				k.values[d][text] = false
			}
		}
	}
	c.days[at] = k
	return k
}

// frequent are the values of a day, the most frequent first.
func (c *counter) frequent(ctx context.Context, site string, day Day, d Dimension) (texts []string) {
	sums := map[string]uint64{}
	for _, all := range [...]bool{false, true} {
		rows, err := c.options.Store.Sum(ctx, Question{Table: Parts, Site: site, From: day, To: day, Dimension: d, AllGoals: all})
		if err != nil {
			return nil
		}
		for _, row := range rows {
			if !isPlain(row.Text) {
				sums[row.Text] += row.N
			}
		}
	}
	for text := range sums {
		texts = append(texts, text)
	}
	slices.SortFunc(texts, func(a, b string) int { return cmp.Or(cmp.Compare(sums[b], sums[a]), cmp.Compare(a, b)) })
	return texts
}
