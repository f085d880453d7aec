package main

import (
	"bytes"
	"embed"
	"html/template"
	"io/fs"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strconv"
	"time"

	"github.com/gorilla/mux"
)

//go:embed templates static files
var assets embed.FS

// shop is Kettle & Cup, a site like any other. Its handlers know nothing of
// goals, visitors or the CDP. Two hooks tell its owner what only the shop
// knows; main.go connects the tracking to them.
type shop struct {
	onPlaced func(*http.Request, order) // an order was accepted
	onPaid   func(*http.Request, order) // an order was paid

	cdpPage string // the page that shows what the CDP received, if there is one
	opened  time.Time
	orders  orderBook
	pages   map[string]*template.Template
}

// newShop returns a shop ready to open.
func newShop() (*shop, error) {
	s := &shop{
		onPlaced: func(*http.Request, order) {},
		onPaid:   func(*http.Request, order) {},
		opened:   time.Now(),
		pages:    map[string]*template.Template{},
	}
	names, err := fs.Glob(assets, "templates/*.html")
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		page, err := template.ParseFS(assets, "templates/layout.html", name)
		if err != nil {
			return nil, err
		}
		s.pages[path.Base(name)] = page
	}
	return s, nil
}

// routes hangs the shop's pages and forms on a router.
func (s *shop) routes(r *mux.Router) {
	get := func(path string, h http.HandlerFunc) { r.HandleFunc(path, h).Methods(http.MethodGet, http.MethodHead) }
	post := func(path string, h http.HandlerFunc) { r.HandleFunc(path, h).Methods(http.MethodPost) }

	// Forms sent from other sites' pages are refused.
	r.Use(http.NewCrossOriginProtection().Handler)

	get("/", s.home)
	get("/products", s.products)
	get("/products/{id}", s.product)
	get("/search", s.search)
	get("/pricing", s.page("pricing.html", "The tea club"))

	get("/newsletter", s.newsletterForm)
	post("/newsletter", s.newsletter)
	get("/welcome", s.page("welcome.html", "Welcome"))
	get("/contact", s.contactForm)
	post("/contact", s.contact)
	get("/thanks", s.page("thanks.html", "Thank you"))

	get("/checkout", s.checkoutForm)
	post("/checkout", s.checkout)
	get("/orders/{id}", s.order)
	post("/orders/{id}/pay", s.pay)

	get("/login", s.loginForm)
	post("/login", s.login)
	get("/account", s.page("account.html", "Your account"))

	get("/files/2026/tea-guide.pdf", s.teaGuide)
	r.PathPrefix("/static/").Handler(http.FileServerFS(assets))
	r.NotFoundHandler = http.HandlerFunc(s.notFound)
}

// view is what every template gets.
type view struct {
	Title, Path, Query, CDPPage string

	Data any
}

// render answers with a page. It first writes the page into memory, so that a
// broken template becomes a clean 500 and not half a page.
func (s *shop) render(w http.ResponseWriter, r *http.Request, status int, name, title string, data any) {
	var page bytes.Buffer
	v := view{Title: title, Path: r.URL.Path, Query: r.URL.Query().Get("q"), CDPPage: s.cdpPage, Data: data}
	if err := s.pages[name].ExecuteTemplate(&page, "layout", v); err != nil {
		http.Error(w, "The page could not be shown.", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = page.WriteTo(w) // The visitor has left if this fails.
}

// page returns a handler for a page that needs no data.
func (s *shop) page(name, title string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		s.render(w, r, http.StatusOK, name, title, nil)
	}
}

func (s *shop) notFound(w http.ResponseWriter, r *http.Request) {
	s.render(w, r, http.StatusNotFound, "notfound.html", "Not found", nil)
}

func (s *shop) home(w http.ResponseWriter, r *http.Request) {
	s.render(w, r, http.StatusOK, "home.html", "", catalog[:4])
}

func (s *shop) products(w http.ResponseWriter, r *http.Request) {
	s.render(w, r, http.StatusOK, "products.html", "The shelf", catalog)
}

func (s *shop) product(w http.ResponseWriter, r *http.Request) {
	p, ok := findProduct(mux.Vars(r)["id"])
	if !ok {
		s.notFound(w, r)
		return
	}
	s.render(w, r, http.StatusOK, "product.html", p.Name, p)
}

// perPage is how many results the search shows at a time.
const perPage = 4

// results is one page of what a search found.
type results struct {
	Found   []product
	Total   int
	More    bool
	Next    int
	Checked bool
}

func (s *shop) search(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	number, _ := strconv.Atoi(query.Get("page")) // No number is the first page.
	number = max(number, 1)
	found := searchCatalog(query.Get("q"))
	pages := slices.Collect(slices.Chunk(found, perPage))
	res := results{Total: len(found), More: number < len(pages), Next: number + 1, Checked: query.Get("q") != ""}
	if number <= len(pages) {
		res.Found = pages[number-1]
	}
	s.render(w, r, http.StatusOK, "search.html", "Search", res)
}

func (s *shop) newsletterForm(w http.ResponseWriter, r *http.Request) {
	s.render(w, r, http.StatusOK, "newsletter.html", "Newsletter", emptyForm("newsletter"))
}

// newsletter answers a wrong address with 422 and the form, and a right one
// with a redirect.
func (s *shop) newsletter(w http.ResponseWriter, r *http.Request) {
	f := readForm(w, r, "newsletter")
	if f == nil {
		return
	}
	if f.needEmail("email"); f.Faulty() {
		s.render(w, r, http.StatusUnprocessableEntity, "newsletter.html", "Newsletter", f)
		return
	}
	http.Redirect(w, r, "/welcome", http.StatusSeeOther)
}

func (s *shop) contactForm(w http.ResponseWriter, r *http.Request) {
	s.render(w, r, http.StatusOK, "contact.html", "Contact", emptyForm("contact"))
}

// contact answers a form with faults as most sites do: with 200, and the form
// once more. Only a reader of the answer can see that nothing was sent.
func (s *shop) contact(w http.ResponseWriter, r *http.Request) {
	f := readForm(w, r, "contact")
	if f == nil {
		return
	}
	f.need("name", "Please tell us your name.")
	f.needEmail("email")
	f.need("message", "Please write us a line.")
	if f.Faulty() {
		s.render(w, r, http.StatusOK, "contact.html", "Contact", f)
		return
	}
	http.Redirect(w, r, "/thanks", http.StatusSeeOther)
}

// till is the checkout page: the shelf, what was chosen, and bad news.
type till struct {
	Catalog  []product
	Chosen   string
	Quantity int
	Declined bool
}

func (s *shop) checkoutForm(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	s.render(w, r, http.StatusOK, "checkout.html", "Checkout", till{
		Catalog:  catalog,
		Chosen:   query.Get("product"),
		Quantity: quantity(query),
		Declined: query.Has("declined"),
	})
}

// checkout takes an order. The card is declined if the visitor asks for it.
func (s *shop) checkout(w http.ResponseWriter, r *http.Request) {
	f := readForm(w, r, "checkout")
	if f == nil {
		return
	}
	p, ok := findProduct(f.Value("product"))
	if !ok || f.Value("card") != "good" {
		again := url.Values{"declined": {"1"}}
		if ok {
			again.Set("product", p.ID)
			again.Set("quantity", strconv.Itoa(quantity(f.values)))
		}
		http.Redirect(w, r, "/checkout?"+again.Encode(), http.StatusSeeOther)
		return
	}
	o := s.orders.place(p, quantity(f.values))
	s.onPlaced(r, o)
	http.Redirect(w, r, "/orders/"+o.ID, http.StatusSeeOther)
}

// quantity reads how many of a product are wanted, between 1 and 9.
func quantity(values url.Values) int {
	n, _ := strconv.Atoi(values.Get("quantity")) // No number is one.
	return min(max(n, 1), 9)
}

func (s *shop) order(w http.ResponseWriter, r *http.Request) {
	o, ok := s.orders.find(mux.Vars(r)["id"])
	if !ok {
		s.notFound(w, r)
		return
	}
	s.render(w, r, http.StatusOK, "order.html", "Your order", o)
}

func (s *shop) pay(w http.ResponseWriter, r *http.Request) {
	id := mux.Vars(r)["id"]
	if o, first := s.orders.pay(id); first {
		s.onPaid(r, o)
	}
	http.Redirect(w, r, "/orders/"+url.PathEscape(id), http.StatusSeeOther)
}

// loginPage is the log-in form, and whether the last try failed.
type loginPage struct {
	Form   *form
	Failed bool
}

func (s *shop) loginForm(w http.ResponseWriter, r *http.Request) {
	s.render(w, r, http.StatusOK, "login.html", "Log in", loginPage{emptyForm("login"), r.URL.Query().Has("error")})
}

// login lets everybody in who knows the password, which the page shows. The
// shop keeps no sessions: there is nothing behind the door.
func (s *shop) login(w http.ResponseWriter, r *http.Request) {
	f := readForm(w, r, "login")
	if f == nil {
		return
	}
	if f.needEmail("email"); f.Faulty() || f.Value("password") != "earl grey" {
		http.Redirect(w, r, "/login?error=1", http.StatusFound)
		return
	}
	http.Redirect(w, r, "/account", http.StatusFound)
}

// teaGuide serves the brochure as files should be served: with its type, ranges
// and conditional requests.
func (s *shop) teaGuide(w http.ResponseWriter, r *http.Request) {
	guide, err := assets.ReadFile("files/tea-guide.pdf")
	if err != nil {
		s.notFound(w, r)
		return
	}
	http.ServeContent(w, r, "tea-guide.pdf", s.opened, bytes.NewReader(guide))
}
