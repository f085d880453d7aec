package web

import (
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/goaltrack/goaltrack/internal/spelling"
)

// What an address says behind its question mark. A word that nobody understands must not show
// other figures than were asked for, and without a word.

// general are the parameters that all addresses of the report take.
var general = []string{"site", "period", "from", "to", "page", "source", "campaign", "language", "device"}

// special are those that only some addresses take, and which these are.
var special = map[string]string{"by": "/goals.csv and /goals.json", "goal": "/goals.csv and /goals.json", "since": "/feed.csv"}

// otherWords are what people may write in place of a parameter.
var otherWords = map[string]string{
	"day": "from and to", "days": "from and to", "date": "from and to", "dates": "from and to", "range": "from and to",
	"start": "from", "start_date": "from", "startdate": "from", "begin": "from",
	"end": "to", "end_date": "to", "enddate": "to", "until": "to", "till": "to",
	"last": "period", "week": "period", "month": "period", "year": "period",
}

// readQuery reads what stands behind the question mark. What nobody can read, what says two
// things at once, and what is nearly a parameter, would else show other days than were asked
// for. passed are the names that are nobody's business here, such as those that a mail program
// adds to a link. more are the parameters that this address takes beside the general ones.
func readQuery(raw string, more ...string) (query url.Values, passed []string, err error) {
	if query, err = url.ParseQuery(raw); err != nil {
		return nil, nil, errors.New("the address cannot be read behind its question mark: between two parameters stands &, and a % of a text is written %25")
	}
	takes := slices.Concat(general, more)
	for _, name := range slices.Sorted(maps.Keys(query)) {
		values, meant := query[name], ""
		if !slices.Contains(takes, name) {
			meant = meantParameter(name, takes)
		}
		where, elsewhere := special[name]
		switch {
		case slices.Contains(takes, name):
			if slices.ContainsFunc(values, func(v string) bool { return v != values[0] }) {
				return nil, nil, fmt.Errorf("%s: it stands in the address %d times, and not always with the same value", name, len(values))
			}
		case elsewhere:
			return nil, nil, fmt.Errorf("%s: only %s can be asked by it", name, where)
		case meant != "":
			return nil, nil, fmt.Errorf("%.40q is no parameter of the report; did you mean %s?", name, meant)
		default:
			passed = append(passed, name)
		}
	}
	return query, passed, nil
}

// meantParameter is the parameter that was perhaps meant by a name, "" if it looks like none.
func meantParameter(name string, takes []string) string {
	plain := strings.ToLower(strings.TrimSpace(name))
	for _, known := range takes {
		if plain == known || len(known) >= 4 && isNear(plain, known) {
			return known
		}
	}
	return otherWords[plain]
}

// isNear reports whether a name is a slip of the pen away from a parameter.
func isNear(name, known string) bool {
	if len(name) > len(known)+2 {
		return false
	}
	letters := func(text string) string {
		list := []byte(text)
		slices.Sort(list)
		return string(list)
	}
	return spelling.Distance(name, known) <= len(known)/4 || letters(name) == letters(known)
}

// mostPassed is how many names a page shows at most that it passed over.
const mostPassed = 3

// passedInWords says which parameters made no difference, "" if there are none.
func passedInWords(names []string) string {
	if len(names) == 0 {
		return ""
	}
	shown := make([]string, min(mostPassed, len(names)))
	for i := range shown {
		shown[i] = fmt.Sprintf("%.40q", names[i])
	}
	return sayCount("passed", uint64(len(names)), strings.Join(shown, ", "))
}
