package web

import (
	"math"
	"strconv"
	"strings"

	"github.com/goaltrack/goaltrack/fact"
	"github.com/goaltrack/goaltrack/report"
)

// number writes a whole number with its thousands apart: 18,922.
func number[N uint64 | int64](n N) string {
	if n < 0 {
		return "−" + thousands(strconv.FormatInt(int64(n), 10)[1:])
	}
	return thousands(strconv.FormatUint(uint64(n), 10))
}

func thousands(digits string) string {
	var b strings.Builder
	for i, d := range digits {
		if i > 0 && (len(digits)-i)%3 == 0 {
			b.WriteString(say("number.thousands"))
		}
		b.WriteRune(d)
	}
	return b.String()
}

// decimal writes a number with so many digits after the point.
func decimal(x float64, digits int) string {
	whole, part, _ := strings.Cut(strconv.FormatFloat(math.Abs(x), 'f', digits, 64), ".")
	text := thousands(whole)
	if part != "" {
		text += say("number.point") + part
	}
	if x < 0 && strings.Trim(whole+part, "0") != "" {
		return "−" + text
	}
	return text
}

// percent writes a share: 1.2 %. It is "–" of nothing.
func percent(of, all uint64) string {
	if all == 0 {
		return say("number.none")
	}
	return share(float64(of) / float64(all))
}

// share writes a part of one as percent, with a digit after the point below a tenth. What is
// nearly all is not all.
func share(p float64) string {
	digits := 0
	switch {
	case p < 0.1:
		digits = 1
	case 0.99 < p && p < 1:
		p, digits = min(p, 0.999), 1
	}
	return decimal(100*p, digits) + " %"
}

// money writes sums, each with its currency.
func money(values []report.Value) []string {
	texts := make([]string, len(values))
	for i, v := range values {
		digits := fact.Digits(v.Currency)
		if v.Sum == math.Trunc(v.Sum) {
			digits = 0
		}
		if v.Currency == "" {
			texts[i] = say("number.points", decimal(v.Sum, digits))
		} else {
			texts[i] = v.Currency + " " + decimal(v.Sum, digits) // the two stay on one line
		}
	}
	return texts
}

// change is how much more or less there is than before.
type change struct {
	Known bool
	// Part is 0.21 for a fifth more.
	Part float64
}

// changeOf compares with before. Few cannot be compared: from under five nobody can tell
// chance from change.
func changeOf(now, before uint64) change {
	if before < 5 {
		return change{}
	}
	return change{true, float64(now)/float64(before) - 1}
}

// Fell says that it needs a look: a quarter less, or worse.
func (c change) Fell() bool { return c.Known && c.Part <= -0.25 }

// String is the change with its sign: +21 %.
func (c change) String() string {
	switch {
	case !c.Known:
		return say("number.none")
	case math.Abs(c.Part) < 0.005:
		return "±0 %"
	case c.Part > 0:
		return "+" + decimal(100*c.Part, 0) + " %"
	}
	return decimal(100*c.Part, 0) + " %"
}

// rate is a share of which a part may be chance.
type rate struct{ Of, All uint64 }

// sureness is how many standard deviations are in an interval that is right in 95 of 100
// cases.
const sureness = 1.96

// interval is where the true rate lies in 95 of 100 cases: Wilson's score interval, which
// is right for few, too (https://doi.org/10.1080/01621459.1927.10502953).
func (r rate) interval() (low, high float64) {
	if r.All == 0 {
		return 0, 1
	}
	n, p := float64(r.All), min(1, float64(r.Of)/float64(r.All))
	z2 := sureness * sureness
	middle := (p + z2/(2*n)) / (1 + z2/n)
	half := sureness / (1 + z2/n) * math.Sqrt(p*(1-p)/n+z2/(4*n*n))
	return max(0, middle-half), min(1, middle+half)
}

// String is the rate, and Interval is the interval in words.
func (r rate) String() string { return percent(r.Of, r.All) }

// Interval is where the true rate lies in 95 of 100 cases, as text.
func (r rate) Interval() string {
	if r.All == 0 {
		return ""
	}
	low, high := r.interval()
	return say("rate.interval", decimal(100*low, 1), decimal(100*high, 1))
}

// differs reports whether two rates differ by more than chance: the test of two
// proportions with a pooled variance, at 95 %.
func (r rate) differs(from rate) bool {
	if r.All == 0 || from.All == 0 {
		return false
	}
	n, m := float64(r.All), float64(from.All)
	p, q := float64(r.Of)/n, float64(from.Of)/m
	pooled := (float64(r.Of) + float64(from.Of)) / (n + m)
	deviation := math.Sqrt(max(0, pooled*(1-pooled)) * (1/n + 1/m))
	return deviation > 0 && math.Abs(p-q)/deviation > sureness
}
