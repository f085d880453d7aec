package report

import (
	"context"
	"slices"

	"github.com/goaltrack/goaltrack/fact"
)

// A variant is counted by session: once when it is shown, and once for each goal that
// counts afterwards. So a rate is a part of those who saw it, and never more than all of
// them, however many pages they went to and however often the goal counted. A goal that
// counts after midnight belongs to the day on which the variant was shown, for the same
// reason.

// shown is a variant that a session was shown.
type shown struct {
	fact.Variant
	part   PartKey // of those who saw it
	counts []string
}

// mostGoalsOfVariant bounds the goals that are remembered of a variant in a session.
const mostGoalsOfVariant = 200

// countVariants counts the variants of a fact that counts. part is for its site and day.
func (c *counter) countVariants(ctx context.Context, f *fact.Fact, part PartKey, amount Amount) {
	one := new(session) // without a browser ID nothing is known of what was before
	if f.Browser != [16]byte{} {
		one = c.sessions.of(f.Browser, f.Time)
	}
	for _, v := range f.Variants {
		if s := one.shown(v); s != nil {
			known := c.known(ctx, SiteDay{part.Site, part.Day})
			s.part = PartKey{Site: part.Site, Day: part.Day, Goal: Visits, Dimension: Variant, Text: known.admit(Variant, v.Component+"="+v.Name)}
			addTo(c.batch.Parts, s.part, Amount{N: 1})
		}
	}
	if f.Goal == Visits {
		return
	}
	for i := range one.variants {
		s := &one.variants[i]
		if slices.Contains(s.counts, f.Goal) || len(s.counts) == mostGoalsOfVariant {
			continue
		}
		s.counts = append(s.counts, f.Goal)
		converted := s.part
		converted.Goal, converted.Currency = f.Goal, part.Currency
		addTo(c.batch.Parts, converted, amount)
	}
	c.countBefore(ctx, f, one, part, amount)
}

// countBefore counts a goal for what its session was shown by another process, which
// counted that. Nothing of it is remembered: such a goal counts once a session.
func (c *counter) countBefore(ctx context.Context, f *fact.Fact, one *session, part PartKey, amount Amount) {
	for _, v := range f.Before {
		if !slices.ContainsFunc(one.variants, func(o shown) bool { return o.Component == v.Component }) {
			part.Dimension, part.Text = Variant, c.known(ctx, SiteDay{part.Site, part.Day}).admit(Variant, v.Component+"="+v.Name)
			addTo(c.batch.Parts, part, amount)
		}
	}
}

// shown notes a variant that is not the one that the session was shown last of its
// component, and returns it. Else it returns nil. Of more than four, the oldest is
// forgotten.
func (s *session) shown(v fact.Variant) *shown {
	if slices.ContainsFunc(s.variants, func(o shown) bool { return o.Variant == v }) {
		return nil
	}
	s.variants = slices.DeleteFunc(s.variants, func(o shown) bool { return o.Component == v.Component })
	if len(s.variants) == fact.MaxVariants {
		s.variants = slices.Delete(s.variants, 0, 1)
	}
	s.variants = append(s.variants, shown{Variant: v})
	return &s.variants[len(s.variants)-1]
}
