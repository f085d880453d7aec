package rule

import (
	"cmp"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/goaltrack/goaltrack/internal/hostname"
	urlpath "github.com/goaltrack/goaltrack/internal/path"
	"github.com/goaltrack/goaltrack/internal/spelling"
)

// condition is one line of if: or unless:, compiled.
type condition struct {
	key     string // as written, for explanations
	written string
	failure string // in words, when it does not hold
	side    string // if, unless or success
	line    int    // in the rule file, 0 if there is none
	from    source
	test    test
	// decimal is how visitors write numbers.
	decimal decimal
	// unless turns the condition round.
	unless bool
}

// test is the right side of a condition. Exactly one of its forms is set.
type test struct {
	present, absent bool
	equal           []string // any of them
	paths           []urlpath.Template
	re              *regexp.Regexp
	op              string // < <= > >=
	number          float64
}

// parseCondition compiles "form.email: present" and the like.
func parseCondition(key string, value any, unless bool) (condition, error) {
	cond := condition{key: key, unless: unless, written: fmt.Sprint(value)}
	cond.failure = cond.inWords()
	if kind, ok := bareSources[key]; ok {
		cond.from.kind = kind
	} else {
		var err error
		if cond.from, err = parseSourceName(key, ""); err != nil {
			if a, ok := errors.AsType[*advice](err); ok {
				if a.hint == sourceHint {
					a.hint = conditionHint
				}
				a.hint = cmp.Or(elsewhere(key), dottedHint(key), a.hint)
			}
			return cond, err
		}
		if k := cond.from.kind; k == sourcePath || k == sourceRedirect {
			return cond, &advice{"a variable of a path is tested by the path itself", fmt.Sprintf("write {%s:[0-9]+} there", cond.from.name)}
		}
	}
	var err error
	cond.test, err = parseTest(value, cond.from.kind == sourceWholePath)
	if cond.from.kind == sourceHost {
		for i, host := range cond.test.equal {
			cond.test.equal[i] = hostname.Plain(host)
		}
	}
	return cond, err
}

// conditionHint names all that a condition can look at.
const conditionHint = "conditions look at path host route referrer response.type query.x form.x json.x header.x cookie.x response.header.x response.json.x app.x element.x event.x utm.x first.x"

// parseTest compiles the right side of a condition.
func parseTest(value any, isPath bool) (t test, err error) {
	items, isList := value.([]any)
	if !isList {
		return t, t.parse(value, isPath)
	}
	if len(items) == 0 {
		return t, errors.New("the list is empty: nothing could ever match")
	}
	for _, item := range items {
		var one test
		if err := one.parse(item, isPath); err != nil {
			return t, err
		}
		if len(one.equal)+len(one.paths) == 0 {
			return t, &advice{fmt.Sprintf("%q stands alone, not in a list", item), "a list holds values; write | for or inside a regular expression"}
		}
		t.equal = append(t.equal, one.equal...)
		t.paths = append(t.paths, one.paths...)
	}
	return t, nil
}

// parse reads one test.
func (t *test) parse(value any, isPath bool) error {
	s, err := scalarText(value)
	if err != nil {
		return err
	}
	s = composed(s)
	word, rest, _ := strings.Cut(s, " ")
	rest = strings.TrimSpace(rest)
	switch {
	case s == "":
		return &advice{"an empty text is not a condition", "write absent"}
	case len(s) > maxInput:
		return fmt.Errorf("the test is longer than %d bytes", maxInput)
	case spelling.Unseen(s) != "":
		return &advice{fmt.Sprintf("%q has %s", s, spelling.Unseen(s)), "type it anew, without that"}
	case s == "present":
		t.present = true
	case s == "absent":
		t.absent = true
	case word == "~":
		return t.parseRegexp(rest)
	case word == "<" || word == "<=" || word == ">" || word == ">=":
		t.op = word
		if t.number, err = strconv.ParseFloat(rest, 64); err != nil || !finite(t.number) {
			return &advice{fmt.Sprintf("%q is not a number to compare with", rest), `for example "` + word + ` 10"`}
		}
	case strings.IndexByte("~<>!=", s[0]) >= 0:
		return &advice{fmt.Sprintf("%q is not a condition", s), `write present, absent, a value, a list, "~ regex", or "> 10" with a space after the sign; for "is not" use unless:`}
	case isPath:
		p, err := urlpath.Parse(s)
		t.paths = append(t.paths, p)
		return err
	default:
		t.equal = append(t.equal, s)
	}
	return nil
}

func (t *test) parseRegexp(expr string) (err error) {
	if expr == "" {
		return &advice{"nothing stands after the ~", `for example "~ ^[0-9]+$"`}
	}
	if t.re, err = regexp.Compile(expr); err != nil {
		return fmt.Errorf("%q is not a regular expression: %s", expr, strings.TrimPrefix(err.Error(), "error parsing regexp: "))
	}
	return nil
}

// scalarText writes a YAML scalar as a visitor would send it.
func scalarText(v any) (string, error) {
	switch v := v.(type) {
	case string:
		return v, nil
	case bool:
		return strconv.FormatBool(v), nil
	case int:
		return strconv.Itoa(v), nil
	case int64:
		return strconv.FormatInt(v, 10), nil
	case uint64:
		return strconv.FormatUint(v, 10), nil
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64), nil
	}
	return "", errors.New("a text, a number, true or false is expected here")
}

// judge reports whether the condition holds. If a form has a field several times, one
// value for which it holds is enough. A value that is too long fails it either way,
// and so does an answer that could not be read.
func (cond *condition) judge(x *Exchange) Reason {
	if x.blind && cond.from.hidden(x) {
		x.guessed = true
		return Fires
	}
	if r := x.sees(&cond.from); r != Fires {
		return r
	}
	v, ok := x.lookup(&cond.from)
	if len(v) > maxInput || x.tooLong(&cond.from) {
		return ReasonValueTooLong
	}
	if cond.from.kind == sourceRoute && !ok {
		return ReasonRouteUnknown
	}
	others := x.others(&cond.from)
	present := ok && v != "" || x.hasMany(&cond.from) || slices.ContainsFunc(others, func(o string) bool { return o != "" })
	dec := x.decimalOf(&cond.from, cond.decimal)
	holds := func(v string) bool {
		return cond.test.matches(v, present, cond.from.fold(), dec) ||
			cond.from.kind == sourceHost && hostname.In(cond.test.equal, v)
	}
	if (holds(v) || slices.ContainsFunc(others, holds)) == cond.unless {
		x.failed = cond
		return ReasonCondition
	}
	return Fires
}

func (t *test) matches(v string, present, foldCase bool, dec decimal) bool {
	v = composed(v)
	switch {
	case t.present:
		return present
	case t.absent:
		return !present
	case t.re != nil:
		return t.re.MatchString(v)
	case t.op != "":
		n, ok := dec.parse(v)
		return ok && compare(n, t.op, t.number)
	}
	for i := range t.paths {
		if _, ok := t.paths[i].Capture(v, nil); ok {
			return true
		}
	}
	for _, e := range t.equal {
		if v == e || foldCase && strings.EqualFold(v, e) {
			return true
		}
	}
	return false
}

func compare(n float64, op string, with float64) bool {
	switch op {
	case "<":
		return n < with
	case "<=":
		return n <= with
	case ">":
		return n > with
	}
	return n >= with
}
