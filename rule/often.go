package rule

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/goaltrack/goaltrack/internal/visit"
)

// Often says how often a goal has to have happened, and in which time. The zero value is
// once in this session.
type Often struct {
	// Times is how often, at least, up to 1,000. Default: 1.
	Times int
	// Within is how long ago it may have happened last, such as "30 days", "2 weeks" or "12h",
	// also in an earlier session. With "ever" it may be as long ago as the visitor's visit
	// cookie knows. With a time, only the last time is known, so Times has to be 1 then.
	// Default: in this session.
	Within string
}

const (
	everWord = "ever"
	maxTimes = 1000
	// longestCookie is how long browsers keep a visit cookie, at most.
	longestCookie = 400 * 24 * time.Hour
)

// compileOften reads what a mapping under after: or not after: asks.
func (g *goal) compileOften(key string, each map[string]Often, f *faults) (list []visit.Often) {
	if len(each) > maxAfter {
		f.hint(key, fmt.Sprintf("%s: has %d goals, more than %d", key, len(each), maxAfter), "the visit cookie is small; name the goals that matter")
	}
	for _, name := range slices.Sorted(maps.Keys(each)) {
		o, err := each[name].compile()
		if err != nil {
			if a, ok := errors.AsType[*advice](err); ok {
				a.message = key + ": " + name + ": " + a.message
			}
			f.add(key+"."+name, err)
			continue
		}
		if o.Within > int64(longestCookie/time.Minute) && o.Within != visit.Ever {
			f.warn(key+"."+name, each[name].Within+" is longer than browsers keep the visit cookie, 400 days at most", "write ever, which is as long as it is kept; beyond that "+segmentsDoIt)
		}
		list = append(list, o)
	}
	return list
}

func (o Often) compile() (v visit.Often, err error) {
	v.Times = 1
	if o.Times != 0 {
		v.Times = uint32(max(0, min(o.Times, math.MaxInt32)))
	}
	switch {
	case v.Times == 0 || v.Times > maxTimes:
		return v, &advice{fmt.Sprintf("%d is no number of times", o.Times), fmt.Sprintf("from 1 to %d", maxTimes)}
	case o.Within == "":
		return v, nil
	case o.Within == everWord:
		v.Within = visit.Ever
		return v, nil
	}
	d, err := parseSpan(o.Within)
	switch {
	case err != nil:
		return v, err
	case v.Times > 1:
		return v, &advice{
			fmt.Sprintf("how often it happened in %s is not known here: the visit cookie has the last time, and how often in this session and ever", o.Within),
			fmt.Sprintf("write %d for this session or { times: %d, within: ever }; %s", v.Times, v.Times, segmentsDoIt),
		}
	}
	if v.Within = int64(d / time.Minute); d%time.Minute > 0 {
		v.Within++
	}
	return v, nil
}

// parseSpan reads "30 days", "2 weeks" and what [time.ParseDuration] reads.
func parseSpan(text string) (time.Duration, error) {
	const day = 24 * time.Hour
	number, unit, spelled := strings.Cut(text, " ")
	if spelled {
		const most = 100_000 // days, which a Duration can hold
		days := map[string]int{"day": 1, "days": 1, "week": 7, "weeks": 7}[unit]
		if n, err := strconv.Atoi(number); err == nil && days > 0 && n > 0 && n <= most {
			return time.Duration(min(n*days, most)) * day, nil
		}
	} else if d, err := time.ParseDuration(text); err == nil && d > 0 {
		return d, nil
	}
	hint := timeHint(text)
	if m := spelledTime.FindStringSubmatch(text); m != nil {
		switch begins := strings.ToLower(m[2])[:1]; begins {
		case "d", "t", "j":
			hint = "write " + m[1] + " days"
		case "w":
			hint = "write " + m[1] + " weeks"
		}
		if month := strings.ToLower(m[2]); strings.HasPrefix(month, "mo") {
			n, _ := strconv.Atoi(m[1]) // four digits at most
			hint = fmt.Sprintf("write %d days", 30*n)
		} else if strings.HasPrefix(month, "y") || strings.HasPrefix(month, "ye") {
			hint = "write 365 days; a visit cookie is kept for 400 days at most"
		}
	} else if hint == timeHint("") {
		hint = "for example 30 days, 2 weeks, 12h or ever"
	}
	return 0, &advice{fmt.Sprintf("%q is not a time", text), hint}
}

// inWords is what is asked of a goal in few words, such as "SEEN 3 times".
func (o Often) inWords(name string) string {
	text := name
	if o.Times > 1 {
		text += fmt.Sprintf(" %d times", o.Times)
	}
	switch o.Within {
	case "":
	case everWord:
		text += ", ever"
	default:
		text += " within " + o.Within
	}
	return text
}

// inASentence is the same for [Goal.Sentence].
func (o Often) inASentence(name string) string { return shown(name) + " " + o.says() }

// says is how often, and in which time, in words.
func (o Often) says() (text string) {
	if o.Times > 1 {
		text = fmt.Sprintf("%d times ", o.Times)
	}
	switch o.Within {
	case "":
		return text + "in the same session"
	case everWord:
		return text + "at any time before"
	}
	span := shown(o.Within)
	if _, err := time.ParseDuration(o.Within); err == nil {
		span = durationInWords(o.Within)
	}
	return text + "in the last " + span
}

// eachInWords is what several ask.
func eachInWords(each map[string]Often, say func(Often, string) string) (list []string) {
	for _, name := range slices.Sorted(maps.Keys(each)) {
		list = append(list, say(each[name], name))
	}
	return list
}

// nameOften says under which names the goals are remembered.
func (s *Set) nameOften(each map[string]Often, often []visit.Often) {
	for i, name := range slices.Sorted(maps.Keys(each)) {
		if i < len(often) {
			often[i].Hash = hashOfTexts("happened", s.knownAs(name))
		}
	}
}

// keepOften notes for how long it matters that goals happened. Those that a paused goal asks
// for are kept, too, so that it knows them when it counts again.
func (s *Set) keepOften(often []visit.Often) {
	for _, o := range often {
		s.past.Tallies[o.Hash] = max(s.past.Tallies[o.Hash], o.Within)
	}
}

// tally has the goals noted that others ask for.
func (s *Set) tally(each map[string]Often, often []visit.Often) {
	for i, name := range slices.Sorted(maps.Keys(each)) {
		before := s.byID[name]
		if before == nil || i >= len(often) {
			continue // which is a fault
		}
		before.past.Tallied, before.past.Tally = true, often[i].Hash
	}
}

// lintOften finds goals under a mapping that do not exist, and what no visitor can do.
func (s *Set) lintOften(g *goal, f *faults) {
	for _, side := range []struct {
		key  string
		each map[string]Often
	}{{"after", g.AfterEach}, {"not after", g.NotAfterEach}} {
		for _, name := range slices.Sorted(maps.Keys(side.each)) {
			switch {
			case s.byID[name] == nil:
				f.hint(side.key+"."+name, side.key+": "+name+" is not a goal of this file", s.meant(name, g.Name))
			case name == g.Name:
				f.hint(side.key+"."+name, "the goal comes after itself", "count: once per session, or once per month, counts it once")
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(g.NotAfterEach)) {
		not := g.NotAfterEach[name]
		if o, asked := g.AfterEach[name]; asked && o.Within == not.Within && max(not.Times, 1) <= max(o.Times, 1) {
			f.warn("not after."+name, "never counts: "+o.inWords(name)+" stands under after: as well", "")
		}
	}
}
