package web

import (
	"encoding/json"
	"errors"
	"net/http"

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

// exports makes a handler that writes the answer to a query. Package report says what a query
// can say; its names are those of the address.
func (p *pages) exports(write func(http.ResponseWriter, *report.Result, report.By) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		result, by, err := p.export(r)
		if err != nil {
			p.writeFault(w, r, err)
			return
		}
		_ = write(w, result, by) // the reader has gone
	}
}

// writeFault says to a program what is wrong.
func (p *pages) writeFault(w http.ResponseWriter, r *http.Request, err error) {
	status, text := p.fault(r, err)
	said := map[string]any{"error": text}
	if other, ok := errors.AsType[*noSuchSite](err); ok {
		said["sites"] = other.sites
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(said) // the reader has gone
}

func (p *pages) export(r *http.Request) (result *report.Result, by report.By, err error) {
	a, err := p.ask(r, "by", "goal")
	if err != nil {
		return nil, "", err
	}
	if by, err = report.ParseBy(r.URL.Query().Get("by")); err != nil {
		return nil, "", wrongQuery{err}
	}
	switch {
	case len(a.where) == 0:
	case by == report.ByHour:
		return nil, "", wrongQuery{errors.New("by=hour cannot be limited to a page, a source and so on: those are kept by day")}
	case by == report.ByVariant:
		return nil, "", wrongQuery{errors.New("by=variant cannot be limited to a page, a source and so on: variants are kept apart from those")}
	}
	goal := report.NameNow(a.info.Rules, r.URL.Query().Get("goal"))
	if goal != "" {
		if err := a.hasGoal(goal); err != nil {
			return nil, "", err
		}
	}
	result, err = report.Ask(a.ctx, p.Store, a.query(by, goal))
	return result, by, err
}

func asJSON(w http.ResponseWriter, result *report.Result, _ report.By) error {
	w.Header().Set("Content-Type", "application/json")
	return json.NewEncoder(w).Encode(result)
}

func asCSV(w http.ResponseWriter, result *report.Result, by report.By) error {
	w.Header().Set("Content-Type", "text/csv; charset=utf-8; header=present")
	w.Header().Set("Content-Disposition", `attachment; filename="goals.csv"`)
	return result.WriteCSV(w, by)
}
