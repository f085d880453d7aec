package goaltrack

import (
	"fmt"
	"net/http"

	"github.com/goaltrack/goaltrack/internal/scan"
	"github.com/goaltrack/goaltrack/internal/views"
	"github.com/goaltrack/goaltrack/internal/web"
)

// A VIEW event says which variant of its page was shown, if the page has variants: for
// SitecoreAI that is what an A/B test counts. And no page may send its VIEW twice, so the log
// warns of pages whose own scripts send one.

// SetVariant says which variant of the page this request shows. The page's VIEW event has
// it as pageVariantId, by which SitecoreAI counts personalization and A/B tests; give it
// the value that the SDKs' CdpHelper.getPageVariantId makes. It wins over all that goes
// by the address and the answer. The ID has at most 200 letters, digits and "-_.:{}".
// Call it before the handler returns. Later, and on a request that the Tracker does not
// follow, it does nothing. The error is ErrInvalid.
func (t *Tracker) SetVariant(r *http.Request, id string) error {
	if !views.ValidVariant(id) {
		return fmt.Errorf("%w: %.40q is not a variant ID: 1 to 200 letters, digits and -_.:{}", ErrInvalid, id)
	}
	if tr := t.trackedOf(r); tr != nil {
		tr.told.setVariant(id)
	}
	return nil
}

// setVariant keeps the variant of the page.
func (tl *told) setVariant(id string) {
	tl.mu.Lock()
	defer tl.mu.Unlock()
	if said := tl.handlerLocked(); said != nil {
		said.variant = id
	}
}

// variantAttribute is the attribute by which SitecoreAI counts the variants of a page
// (Content SDK, PageViewEvent).
const variantAttribute = "pageVariantId"

// variantLocked is the variant of the page that was shown, "" if there is none. Without
// it, the CDP would count the page for no variant, and an A/B test would stay empty. So
// VIEW events stop if the site names one that cannot be sent. A site says that once; the line
// is written under the request's lock, as networkLocked says.
func (tr *tracked) variantLocked() (string, fate) {
	s, c := tr.site, &tr.t.config
	if s.variantUnknown.Load() {
		return "", fateVariantUnknown
	}
	h := tr.rec.Header()
	id, understood := tr.saidVariantLocked(h)
	if rewritten, _ := web.First(h[views.RewriteHeader]); id == "" && rewritten != "" {
		id, understood = views.RewrittenTo(rewritten, tr.path)
	}
	switch {
	case understood:
		return id, fired
	case c.ViewsWithoutVariants:
		return "", fired
	}
	if !s.variantUnknown.Swap(true) {
		c.Logger.Error("goaltrack: page views stop, as an answer names a variant that cannot be sent (variant_unknown); without it, SitecoreAI would count the visit for no variant: let the site say the pageVariantId (VariantHeader, SetVariant), or set ViewsWithoutVariants",
			"site", s.Name, "path", tr.path)
	}
	return "", fateVariantUnknown
}

// saidVariantLocked is the variant that the handler, a header of the site's own or the
// address names, "" if none does.
func (tr *tracked) saidVariantLocked(h http.Header) (id string, understood bool) {
	if id = tr.told.saidLocked().variant; id != "" {
		return id, true
	}
	if name := tr.t.config.VariantHeader; name != "" {
		if id = h.Get(name); id != "" {
			return id, views.ValidVariant(id)
		}
	}
	if s := tr.told.seldom.Load(); s != nil {
		id = s.variant
	}
	return id, true
}

// namedVariantLocked is that variant, if it can be one.
func (tr *tracked) namedVariantLocked(h http.Header) string {
	if id, understood := tr.saidVariantLocked(h); understood {
		return id
	}
	return ""
}

// showsVariantLocked reports whether a report is told of a variant that this page shows.
func (tr *tracked) showsVariantLocked(h http.Header) bool {
	return tr.facts != nil && tr.navigation && tr.unasked == allowed && tr.status < http.StatusMultipleChoices && tr.x.MayBeHTML() &&
		(len(h[views.RewriteHeader]) > 0 || tr.namedVariantLocked(h) != "")
}

// askedFor notes the variant that the address asks for.
func (tr *tracked) askedFor(r *http.Request) {
	if id := views.VariantOf(r.URL.RawQuery); id != "" {
		tr.told.seldomLocked().variant = id
	}
}

// readPage keeps the beginning of a page, to look for a script that sends page views as
// well. A few pages are enough.
func (tr *tracked) readPage(h http.Header) *scan.Tee {
	t := tr.t
	if t.config.Views == ViewsOff || !tr.navigation || t.pagesRead.Load() >= pagesToRead ||
		!tr.x.MayBeHTML() || len(h["Content-Encoding"]) > 0 || t.pagesRead.Add(1) > pagesToRead {
		return nil
	}
	page := scan.Beginning()
	tr.told.seldomLocked().page = page
	return page
}

const pagesToRead = 32

// logScript says once that a script in the pages may send page views, too.
func (tr *tracked) logScript() {
	s := tr.told.seldom.Load()
	if s == nil || s.page == nil {
		return
	}
	policy, _ := web.First(tr.rec.Header()["Content-Security-Policy"])
	if views.HasScript(s.page.Begun(), policy) && tr.t.pagesRead.Swap(2*pagesToRead) < 2*pagesToRead {
		tr.t.config.Logger.Warn("goaltrack: a page has one of Sitecore's scripts, and page views may be sent twice: set Views to off, or take the page view out of the script",
			"path", tr.path)
	}
}
