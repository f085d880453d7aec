package web

import (
	"cmp"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/goaltrack/goaltrack/fact"
	"github.com/goaltrack/goaltrack/report"
)

// The feed is the report as one table, for programs that fetch it again and again: Power
// BI, Looker, Excel. They cannot log in as people do, so it has a token of its own.

// leastToken is how many characters a token has at least.
const leastToken = 16

// HasFeedToken reports whether a request brings the token, as "Authorization: Bearer TOKEN"
// (RFC 6750, section 2.1) or, if it has no such header, as ?token=TOKEN. No request brings
// the token "".
func HasFeedToken(r *http.Request, token string) bool {
	given := r.URL.Query().Get("token")
	if scheme, bearer, ok := strings.Cut(r.Header.Get("Authorization"), " "); ok && strings.EqualFold(scheme, "Bearer") {
		given = strings.TrimSpace(bearer)
	}
	// Of equal length, so that the time does not tell that of the token.
	is, want := sha256.Sum256([]byte(given)), sha256.Sum256([]byte(token))
	return subtle.ConstantTimeCompare(is[:], want[:]) == 1 && token != ""
}

// opensFeed reports whether a request reads the feed and brings its token. That opens the
// feed, and no other page.
func (p *pages) opensFeed(r *http.Request) bool {
	reads := r.Method == http.MethodGet || r.Method == http.MethodHead
	return reads && r.URL.Path == p.base+"/feed.csv" && HasFeedToken(r, p.FeedToken)
}

// feedRow is a goal on a day, with what it was worth in one currency.
type feedRow struct {
	day      report.Day
	goal     string
	n        uint64
	minor    int64
	currency string
	valued   bool
}

// feed writes the feed.
func (p *pages) feed(w http.ResponseWriter, r *http.Request) {
	a, err := p.askFeed(r)
	var rows []feedRow
	var visits map[report.Day]uint64
	if err == nil {
		rows, visits, err = a.feedRows()
	}
	if err != nil {
		p.writeFault(w, r, err)
		return
	}
	w.Header().Set("Content-Type", "text/csv; charset=utf-8; header=present")
	w.Header().Set("Content-Disposition", `attachment; filename="feed.csv"`)
	_ = writeFeed(w, rows, visits, a.labels()) // the reader has gone
}

// askFeed reads from which day on. A program's address stays as it is for years, so there
// is no bound to how long ago that is.
func (p *pages) askFeed(r *http.Request) (*asked, error) {
	a, err := p.ask(r, "since", "token")
	if err != nil {
		return nil, err
	}
	if len(a.where) > 0 {
		return nil, wrongQuery{errors.New("the feed cannot be limited to a page, a source and so on; /goals.csv can")}
	}
	if text := r.URL.Query().Get("since"); text != "" {
		if a.From, err = report.ParseDay(text); err != nil {
			return nil, wrongQuery{fmt.Errorf("since: %w", err)}
		}
	}
	if a.From > a.To {
		return nil, wrongQuery{errors.New("since: is after the last day")}
	}
	return a, nil
}

// feedRows are the rows of every goal that the rules or the numbers have: of the days on
// which it counted, or somebody visited a page.
func (a *asked) feedRows() ([]feedRow, map[report.Day]uint64, error) {
	counts, err := a.sum(report.Question{AllGoals: true, Reason: fact.Fired, ByDay: true, ByGoal: true})
	if err != nil {
		return nil, nil, err
	}
	seen, err := a.sum(report.Question{Of: report.Visits, Reason: fact.Fired, ByDay: true})
	if err != nil {
		return nil, nil, err
	}
	visits := map[report.Day]uint64{}
	for i := range seen {
		visits[seen[i].Day] += seen[i].N
	}
	var rows []feedRow
	rank, counted := map[string]int{}, map[string]map[report.Day]bool{}
	for i, g := range a.goals() {
		if rank[g.Name] = i - len(a.goals()); g.Status == "live" {
			counted[g.Name] = map[report.Day]bool{}
		}
	}
	for i := range counts {
		c := &counts[i]
		if counted[c.Goal] == nil {
			counted[c.Goal] = map[report.Day]bool{}
		}
		counted[c.Goal][c.Day] = true
		rows = append(rows, feedRow{c.Day, c.Goal, c.N, c.Minor, c.Currency, c.Currency != "" || c.Minor != 0})
	}
	for goal, on := range counted {
		for day := range visits {
			if !on[day] {
				rows = append(rows, feedRow{day: day, goal: goal})
			}
		}
	}
	slices.SortFunc(rows, func(x, y feedRow) int {
		order := cmp.Or(cmp.Compare(x.day, y.day), cmp.Compare(rank[x.goal], rank[y.goal]), cmp.Compare(x.goal, y.goal))
		switch {
		case order != 0:
			return order
		case x.valued != y.valued && x.valued:
			return -1
		case x.valued != y.valued:
			return 1
		}
		return cmp.Compare(x.currency, y.currency)
	})
	return joined(rows), visits, nil
}

// joined puts what was worth nothing that is known onto the row of the same day and goal
// that comes before it. So there are several rows only if there are several currencies.
func joined(rows []feedRow) []feedRow {
	list := rows[:0]
	for _, row := range rows {
		if n := len(list); n > 0 && list[n-1].day == row.day && list[n-1].goal == row.goal && (!row.valued || list[n-1].currency == row.currency) {
			list[n-1].n += row.n
			list[n-1].minor += row.minor
			continue
		}
		list = append(list, row)
	}
	return list
}

// writeFeed writes the rows as CSV.
func writeFeed(w io.Writer, rows []feedRow, visits map[report.Day]uint64, labels map[string]string) error {
	out := csv.NewWriter(w)
	_ = out.Write([]string{"day", "goal", "label", "conversions", "visits", "value", "currency"}) // Error has it
	for i := range rows {
		row := &rows[i]
		value := ""
		if row.valued {
			digits := fact.Digits(row.currency)
			value = strconv.FormatFloat(float64(row.minor)/math.Pow10(digits), 'f', digits, 64)
		}
		_ = out.Write([]string{
			row.day.String(), report.Cell(row.goal), report.Cell(labels[row.goal]), strconv.FormatUint(row.n, 10),
			strconv.FormatUint(visits[row.day], 10), value, report.Cell(row.currency),
		})
	}
	out.Flush()
	return out.Error()
}
