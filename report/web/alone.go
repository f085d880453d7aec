package web

import (
	"bytes"
	"context"
	"errors"
	"html/template"
	"io"
	"net/http"
	"net/url"

	"github.com/goaltrack/goaltrack/report"
)

// WriteOverview writes the overview as a page that stands alone, for a file or a mail: the
// style is in it, and it has neither scripts nor links. Nothing needs to be reachable by
// whoever reads it.
//
// Of q, Site, From, To and Where say what the page is about. Without From and To it is
// about the 30 days until today. WriteOverview returns an error, and writes nothing, if q
// has a Goal, because the overview is of all goals. So it does if there are no days or
// too many, and if the store does not answer.
func WriteOverview(ctx context.Context, w io.Writer, store report.Store, q report.Query) error {
	if q.Goal != "" {
		return errors.New("the overview is of all goals, and not of one")
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "/?"+addressOf(q).Encode(), http.NoBody)
	if err != nil {
		return err
	}
	p := &pages{Options: Options{Store: store}}
	a, err := p.ask(r)
	if err != nil {
		return err
	}
	made, err := p.overview(a)
	if err != nil {
		return err
	}
	m, _ := made.model.(overviewModel)
	m.standAlone()
	var b bytes.Buffer
	if err := templates.ExecuteTemplate(&b, made.template, m); err != nil {
		return err
	}
	_, err = w.Write(b.Bytes())
	return err
}

// addressOf is what the address of a page says of a query.
func addressOf(q report.Query) url.Values {
	query := url.Values{}
	if q.Site != "" {
		query.Set("site", q.Site)
	}
	if q.From != 0 || q.To != 0 {
		query.Set("from", q.From.String())
		query.Set("to", q.To.String())
	}
	for d, text := range q.Where {
		query.Set(d.String(), text)
	}
	return query
}

// standAlone puts the style into a page, and takes the links out.
func (m *overviewModel) standAlone() {
	m.Style = template.CSS(style) //nolint:gosec // It is ours.
	m.Home, m.Sites, m.Nav, m.Periods, m.Export = "", nil, nil, nil, exportLinks{}
	for i := range m.Filters {
		m.Filters[i].Link = ""
	}
	for i := range m.Goals {
		m.Goals[i].Link = ""
	}
	for i := range m.Sentences {
		for j := range m.Sentences[i].Parts {
			m.Sentences[i].Parts[j].Link = ""
		}
	}
}
