package test

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/goaltrack/goaltrack"
	"github.com/goaltrack/goaltrack/internal/world"
)

// TestVisitFates tells which GETs of a page are visits.
func TestVisitFates(t *testing.T) {
	text := func(contentType string) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			if contentType != "" {
				w.Header().Set("Content-Type", contentType)
			}
			_, _ = io.WriteString(w, "<html>")
		})
	}
	page := http.HandlerFunc(world.HTML)
	with := func(name, value string) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set(name, value)
			world.HTML(w, r)
		})
	}
	for name, c := range map[string]struct {
		site   http.Handler
		method string
		header []string
		want   string
	}{
		"HTML by sniffing":        {site: page, want: "fired 1"},
		"HTML said":               {site: text("text/html; charset=utf-8"), want: "fired 1"},
		"XHTML":                   {site: text("application/xhtml+xml"), want: "fired 1"},
		"JSON":                    {site: text("application/json"), want: "not_html 1"},
		"text that is no HTML":    {site: text("text/plain"), want: "not_html 1"},
		"nothing":                 {site: http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}), want: "not_html 1"},
		"sniffing turned off":     {site: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { w.Header()["Content-Type"] = nil; world.HTML(w, r) }), want: "not_html 1"},
		"304":                     {site: world.Answer(http.StatusNotModified), want: "fired 1"},
		"404":                     {site: http.NotFoundHandler(), want: "status 1"},
		"500":                     {site: world.Answer(http.StatusInternalServerError), want: "status 1"},
		"a redirect":              {site: http.RedirectHandler("/other", http.StatusFound), want: "status 1"},
		"103 first":               {site: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(http.StatusEarlyHints); world.HTML(w, r) }), want: "fired 1"},
		"a flush first":           {site: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { w.(http.Flusher).Flush(); world.HTML(w, r) }), want: "not_html 1"},
		"HTML that is saved":      {site: with("Content-Disposition", `attachment; filename="a.html"`), want: "not_html 1"},
		"HTML that is shown":      {site: with("Content-Disposition", "inline"), want: "fired 1"},
		"led on at once":          {site: with("Refresh", "0;url=/login"), want: "status 1"},
		"led on to another site":  {site: with("Refresh", "0;url=https://pay.example/"), want: "status 1"},
		"led to what it saves":    {site: with("Refresh", "0;url=https://cdn.example/files/setup.exe?v=2"), want: "fired 1"},
		"led to what it shows":    {site: with("Refresh", "0;url=/files/guide.pdf"), want: "status 1"},
		"led on after a while":    {site: with("Refresh", "5;url=/login"), want: "fired 1"},
		"shown again and again":   {site: with("Refresh", "60"), want: "fired 1"},
		"shown again at once":     {site: with("Refresh", "0;url=/page?a=b"), want: "fired 1"},
		"fetched, and led on":     {site: with("Refresh", "0;url=/login"), header: []string{"Sec-Fetch-Dest", "empty", "HX-Boosted", "true"}, want: "fired 1"},
		"an iframe":               {site: page, header: []string{"Sec-Fetch-Dest", "iframe"}, want: "not_navigation 1"},
		"a fetch by a script":     {site: page, header: []string{"Sec-Fetch-Dest", "empty", "Sec-Fetch-Mode", "cors"}, want: "not_navigation 1"},
		"an older browser":        {site: page, header: []string{"Sec-Fetch-Dest", "", "Sec-Fetch-Mode", ""}, want: "fired 1"},
		"prefetch":                {site: page, header: []string{"Sec-Purpose", "prefetch"}, want: "prefetch 1"},
		"prerender":               {site: page, header: []string{"Sec-Purpose", "prefetch;prerender"}, want: "prefetch 1"},
		"prefetch of former days": {site: page, header: []string{"Purpose", "prefetch"}, want: "prefetch 1"},
		"preview of Safari":       {site: page, header: []string{"X-Purpose", "preview"}, want: "prefetch 1"},
		"prefetch of Firefox":     {site: page, header: []string{"X-Moz", "prefetch"}, want: "prefetch 1"},
		"another purpose":         {site: page, header: []string{"Purpose", "reading"}, want: "fired 1"},
		"a bot":                   {site: page, header: []string{"User-Agent", "Mozilla/5.0 (compatible; bingbot/2.0)"}, want: "bot 1"},
		"GPC":                     {site: page, header: []string{"Sec-GPC", "1"}, want: "gpc 1"},
		"GPC off":                 {site: page, header: []string{"Sec-GPC", "0"}, want: "fired 1"},
		"opted out":               {site: page, header: []string{"Cookie", "gt_optout=1"}, want: "opt_out 1"},
		"opted in":                {site: page, header: []string{"Cookie", "gt_optout=0"}, want: "fired 1"},
		"opted out on one of two": {site: page, header: []string{"Cookie", "gt_optout=0; gt_optout=1"}, want: "opt_out 1"},
		"HEAD":                    {site: page, method: http.MethodHead, want: "none"},
		"OPTIONS":                 {site: page, method: http.MethodOptions, want: "none"},
		"POST":                    {site: page, method: http.MethodPost, want: "none"},
	} {
		t.Run(name, func(t *testing.T) {
			w := world.New(t, "{version: 1, goals: [{goal: PAGE_VISITED, visit: /page}]}", c.site)
			if c.method == "" {
				c.method = http.MethodGet
			}
			w.Visitor().Do(c.method, "/page", "", c.header...)
			w.Expect("PAGE_VISITED", c.want)
		})
	}
}

// TestFormFates tells which forms count, by what became of them.
func TestFormFates(t *testing.T) {
	parse := func(then http.Handler) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			_ = r.FormValue("email")
			then.ServeHTTP(w, r)
		}
	}
	thanks := http.RedirectHandler("/thanks", http.StatusSeeOther)
	const form = "email=ada%40example.com&topic=sales"
	for name, c := range map[string]struct {
		site   http.HandlerFunc
		body   string
		header []string
		want   string
	}{
		"accepted":                   {parse(thanks), form, nil, "fired 1"},
		"created":                    {parse(world.Answer(http.StatusCreated)), form, nil, "fired 1"},
		"shown again":                {parse(http.HandlerFunc(world.HTML)), form, nil, "not_successful 1"},
		"refused":                    {parse(world.Answer(http.StatusUnprocessableEntity)), form, nil, "not_successful 1"},
		"back to the form":           {parse(http.RedirectHandler("/form/?error=1", http.StatusSeeOther)), form, nil, "not_successful 1"},
		"to the login":               {parse(http.RedirectHandler("/login", http.StatusSeeOther)), form, nil, "not_successful 1"},
		"to another host":            {parse(http.RedirectHandler("https://pay.example/", http.StatusSeeOther)), form, nil, "not_successful 1"},
		"a field missing":            {parse(thanks), "topic=sales", nil, "condition 1"},
		"answered before it is read": {func(w http.ResponseWriter, r *http.Request) { thanks.ServeHTTP(w, r); _, _ = io.ReadAll(r.Body) }, form, nil, "fired 1"},
		"half read": {func(w http.ResponseWriter, r *http.Request) {
			_, _ = r.Body.Read(make([]byte, 3))
			thanks.ServeHTTP(w, r)
		}, form, nil, "form_unread 1"},
		"unread":           {thanks.ServeHTTP, form, nil, "form_unread 1"},
		"long":             {parse(thanks), "x=" + strings.Repeat("x", 64<<10) + "&" + form, nil, "fired 1"},
		"too large":        {parse(thanks), form + strings.Repeat("&email="+strings.Repeat("x", 2<<10), 40), nil, "form_too_large 1"},
		"compressed":       {parse(thanks), zipped(form), []string{"Content-Encoding", "gzip"}, "form_encoded 1"},
		"JSON":             {parse(thanks), `{"email":"a"}`, []string{"Content-Type", "application/json"}, "form_not_a_form 1"},
		"no form at all":   {parse(thanks), "", nil, "condition 1"},
		"a value too long": {parse(thanks), "email=" + strings.Repeat("x", 3<<10), nil, "value_too_long 1"},
		"by a bot":         {parse(thanks), form, []string{"User-Agent", "python-requests/2.32"}, "bot 1"},
	} {
		t.Run(name, func(t *testing.T) {
			w := world.New(t, "{version: 1, goals: [{goal: FORM_SENT, submit: /form, if: {form.email: present}}]}", c.site)
			w.Visitor().Meet().Post("/form", c.body, c.header...)
			w.Expect("FORM_SENT", c.want)
		})
	}
}

func zipped(s string) string {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, _ = io.WriteString(z, s)
	_ = z.Close()
	return b.String()
}

func TestMultipartForm(t *testing.T) {
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	_ = form.WriteField("topic", "sales & más")
	file, _ := form.CreateFormFile("attachment", "cv.pdf")
	_, _ = io.WriteString(file, "%PDF")
	_ = form.Close()
	site := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := r.ParseMultipartForm(1 << 20); err != nil || r.MultipartForm.File["attachment"] == nil {
			t.Errorf("the handler's form: %v, %v", r.MultipartForm, err)
		}
		http.Redirect(w, r, "/thanks", http.StatusSeeOther)
	})
	w := world.New(t, "{version: 1, goals: [{goal: FORM_SENT, submit: /form, data: {topic: $form.topic, file: $form.attachment}}]}", site)
	v := w.Visitor().Meet()
	v.Send(v.Request(http.MethodPost, "/form", &body, "Content-Type", form.FormDataContentType()))
	w.Flush()
	e := w.CDP.Expect(t, "FORM_SENT").With("topic", "sales & más").Once()
	if e.Ext["file"] != nil {
		t.Errorf("an upload became a value: %v", e.Ext)
	}
}

// TestFormPage: a form's event is on the page that the form was on.
func TestFormPage(t *testing.T) {
	for referer, want := range map[string]string{
		"":                                    "form",
		"{site}/about/contact-us?x=1":         "contact-us",
		"{site}/":                             "Home Page",
		"https://elsewhere.example/a":         "form",
		"{site}/a/%C3%BCber":                  "über",
		"::not an address::":                  "form",
		"{site}/" + strings.Repeat("x", 3000): "form",
	} {
		w := world.New(t, "{version: 1, goals: [{goal: FORM_SENT, submit: /form}]}", world.Answer(http.StatusCreated))
		w.Visitor().Meet().Post("/form", "a=b", "Referer", strings.Replace(referer, "{site}", w.Site.URL, 1))
		w.Flush()
		w.CDP.Expect(t, "FORM_SENT").On(want).Once()
	}
}

func TestBotsMayCount(t *testing.T) {
	var tracker *goaltrack.Tracker
	site := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := tracker.Trigger(r, "RAISED", nil); err != nil {
			t.Error(err)
		}
		http.Redirect(w, r, "/thanks", http.StatusSeeOther)
	})
	w := world.New(t, `{version: 1, goals: [{goal: FORM_SENT, submit: /form, bots: count}, {goal: FORM_TRIED, submit: /form}, {goal: RAISED, code: true}]}`, site)
	tracker = w.Tracker
	w.Visitor().Meet().Post("/form", "a=b", "User-Agent", "curl/8.9")
	w.Expect("FORM_SENT", "fired 1")
	w.Expect("FORM_TRIED", "bot 1")
	w.Expect("RAISED", "bot 1")
	for _, r := range w.Tracker.Snapshot().Recent {
		if r.Fate == "fired" && r.Note != "bot_counted" {
			t.Errorf("record: %+v", r)
		}
	}
}

func TestDownloadFates(t *testing.T) {
	content := func(n int) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			http.ServeContent(w, r, "guide.pdf", time.Time{}, bytes.NewReader(make([]byte, n)))
		})
	}
	for name, c := range map[string]struct {
		site   http.Handler
		header []string
		want   string
	}{
		"whole":                     {content(10_000), nil, "fired 1"},
		"from the first byte":       {content(10_000), []string{"Range", "bytes=0-"}, "fired 1"},
		"the first piece":           {content(10_000), []string{"Range", "bytes=0-4095"}, "fired 1"},
		"the probe of Safari":       {content(10_000), []string{"Range", "bytes=0-1"}, "range 1"},
		"a small file, whole":       {content(100), []string{"Range", "bytes=0-"}, "fired 1"},
		"resumed":                   {content(10_000), []string{"Range", "bytes=5000-"}, "range 1"},
		"two pieces":                {content(10_000), []string{"Range", "bytes=0-99,200-299"}, "range 1"},
		"beyond the end":            {content(10_000), []string{"Range", "bytes=20000-"}, "status 1"},
		"missing":                   {http.NotFoundHandler(), nil, "status 1"},
		"not modified":              {world.Answer(http.StatusNotModified), nil, "status 1"},
		"opened in a new tab":       {content(10_000), []string{"Sec-Fetch-Dest", "document"}, "fired 1"},
		"shown inside a page":       {content(10_000), []string{"Sec-Fetch-Dest", "embed"}, "fired 1"},
		"fetched before it is used": {content(10_000), []string{"Sec-Purpose", "prefetch"}, "prefetch 1"},
	} {
		t.Run(name, func(t *testing.T) {
			w := world.New(t, "{version: 1, goals: [{goal: FILE_TAKEN, download: /guide.pdf}]}", c.site)
			w.Visitor().Meet().Get("/guide.pdf", c.header...)
			w.Expect("FILE_TAKEN", c.want)
		})
	}
}

// TestResponseTypeOfAForm: a condition on the answer's type sees what the
// browser was told, also if net/http found it out.
func TestResponseTypeOfAForm(t *testing.T) {
	w := world.New(t, "{version: 1, goals: [{goal: FORM_SENT, submit: /form, success: 200, if: {response.type: text/html}}]}", http.HandlerFunc(world.HTML))
	w.Visitor().Meet().Post("/form", "a=b")
	w.Expect("FORM_SENT", "fired 1")
}

func TestDryRun(t *testing.T) {
	reached := errors.New("the network was reached")
	w := world.New(t, world.ShopRules, world.Shop(), func(c *goaltrack.Config) {
		c.DryRun = true
		c.Views = goaltrack.ViewsServer
		c.Delivery.HTTPClient = &http.Client{Transport: roundTripper(func(*http.Request) (*http.Response, error) { t.Error(reached); return nil, reached })}
	})
	v := w.Visitor()
	if res := v.Get("/pricing"); res.Header["Set-Cookie"] != nil || res.Header["Cache-Control"] != nil {
		t.Errorf("header: %v", res.Header)
	}
	v.Post("/newsletter", "email=a%40b")
	v.Post("/newsletter", "email=")
	if err := w.Tracker.Trigger(httptest.NewRequest(http.MethodGet, "/", nil), "ORDER_PAID", nil); err != nil {
		t.Error(err)
	}
	w.Expect("PRICING_VIEWED", "fired 1")
	w.Expect("NEWSLETTER_SIGNUP", "fired 1, not_successful 1")
	w.Expect("VIEW", "fired 1")
	if a := w.Flush(); a.Accepted != 0 || w.CDP.Requests() != nil || !a.Balanced() {
		t.Errorf("account\n%v\nrequests %v", a, w.CDP.Requests())
	}
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestViews(t *testing.T) {
	site := http.NewServeMux()
	site.HandleFunc("/", world.HTML)
	w := world.New(t, "", site, func(c *goaltrack.Config) { c.Views = goaltrack.ViewsServer })
	v := w.Visitor()
	v.Get("/shop/shoes?utm_source=news&x=1", "Referer", "https://search.example/?q=shoes")
	v.Get("/", "Referer", w.Site.URL+"/shop/shoes")
	w.Flush()
	first := w.CDP.Expect(t, "VIEW").On("shoes").Once()
	if first.Body["referrer"] != "https://search.example/?q=shoes" || first.Body["utm_source"] != "news" || first.Body["x"] != nil {
		t.Errorf("first view: %s", first.Raw)
	}
	second := w.CDP.Expect(t, "VIEW").On("Home Page").Once()
	if second.Body["referrer"] != nil || second.BrowserID != first.BrowserID || second.UserAgent != world.Chrome {
		t.Errorf("second view: %s by %s", second.Raw, second.UserAgent)
	}
}

// TestOverlappingGoals: all goals that match count, and a form's fields are
// those all of them name.
func TestOverlappingGoals(t *testing.T) {
	var rules strings.Builder
	rules.WriteString("version: 1\ngoals:\n")
	for i := range 12 {
		fmt.Fprintf(&rules, "  - {goal: FORM_%d, submit: '/{any}', data: {a: $form.field%d, both: $form.both}}\n", i, i)
	}
	w := world.New(t, rules.String(), world.Answer(http.StatusCreated))
	var form strings.Builder
	form.WriteString("both=1")
	for i := range 12 {
		fmt.Fprintf(&form, "&field%d=v%d", i, i)
	}
	w.Visitor().Meet().Post("/form", form.String())
	w.Flush()
	for i := range 12 {
		w.CDP.Expect(t, fmt.Sprint("FORM_", i)).With("a", fmt.Sprint("v", i)).With("both", "1").Once()
	}
}
