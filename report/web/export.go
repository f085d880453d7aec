package web

import (
	"encoding/csv"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net/http"
	"slices"
	"strconv"

	"github.com/goaltrack/goaltrack/fact"
	"github.com/goaltrack/goaltrack/report"
)

// What the pages show can be had as JSON and CSV, by the same questions. So the numbers
// cannot differ.

// exportLinks lead to what a page shows, for other programs.
type exportLinks struct{ CSV, JSON string }

func (a *asked) exports(by report.By, goal string) exportLinks {
	change := []string{"by", string(by), "goal", goal, "period", "", "from", a.From.String(), "to", a.To.String()}
	return exportLinks{a.link("/goals.csv", change...), a.link("/goals.json", change...)}
}

// exports makes a handler that writes the answer to a query. What a query can say, package
// report says; its names are those of the address.
func (p *pages) exports(write func(http.ResponseWriter, *report.Result) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		result, err := p.export(r)
		if err != nil {
			writeFault(w, err)
			return
		}
		_ = write(w, result) // the reader has gone
	}
}

// writeFault says to a program what is wrong.
func writeFault(w http.ResponseWriter, err error) {
	status, text := fault(err)
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]string{"error": text}) // the reader has gone
}

func (p *pages) export(r *http.Request) (*report.Result, error) {
	a, err := p.ask(r)
	if err != nil {
		return nil, err
	}
	by, err := report.ParseBy(r.URL.Query().Get("by"))
	if err != nil {
		return nil, wrongQuery{err}
	}
	switch {
	case len(a.where) == 0:
	case by == report.ByHour:
		return nil, wrongQuery{errors.New("by=hour cannot be limited to a page, a source and so on: those are kept by day")}
	case by == report.ByVariant:
		return nil, wrongQuery{errors.New("by=variant cannot be limited to a page, a source and so on: variants are kept apart from those")}
	}
	return report.Ask(a.ctx, p.Store, a.query(by, r.URL.Query().Get("goal")))
}

func asJSON(w http.ResponseWriter, result *report.Result) error {
	w.Header().Set("Content-Type", "application/json")
	return json.NewEncoder(w).Encode(result)
}

func asCSV(w http.ResponseWriter, result *report.Result) error {
	w.Header().Set("Content-Type", "text/csv; charset=utf-8; header=present")
	w.Header().Set("Content-Disposition", `attachment; filename="goals.csv"`)
	return writeCSV(w, result)
}

// writeCSV writes a line for each row, with a column for each currency.
func writeCSV(w io.Writer, result *report.Result) error {
	currencies := map[string]bool{}
	for _, row := range result.Rows {
		for _, v := range row.Values {
			currencies[v.Currency] = true
		}
	}
	names := slices.Sorted(maps.Keys(currencies))
	out := csv.NewWriter(w)
	head := []string{"key", "conversions", "visits"}
	for _, name := range names {
		if name == "" {
			name = "points"
		}
		head = append(head, "value "+name)
	}
	_ = out.Write(head) // Error has it
	for _, row := range result.Rows {
		cells := []string{harmless(row.Key), strconv.FormatUint(row.Conversions, 10), strconv.FormatUint(row.Visits, 10)}
		for _, name := range names {
			cells = append(cells, sumOf(row.Values, name))
		}
		_ = out.Write(cells)
	}
	out.Flush()
	return out.Error()
}

func sumOf(values []report.Value, currency string) string {
	for _, v := range values {
		if v.Currency == currency {
			return strconv.FormatFloat(v.Sum, 'f', fact.Digits(currency), 64)
		}
	}
	return ""
}

// harmless keeps a spreadsheet from taking a text for a formula
// (https://owasp.org/www-community/attacks/CSV_Injection).
func harmless(text string) string {
	if text == "" {
		return text
	}
	switch text[0] {
	case '=', '+', '-', '@', '\t', '\r', '\n':
		return "'" + text
	}
	return text
}
