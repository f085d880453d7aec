package rule

import (
	"net/http"
	"strings"
	"testing"

	urlpath "github.com/goaltrack/goaltrack/internal/path"
)

// FuzzRefusal: no address of a redirect brings the verdict down, none that leads
// back counts, and what the verdict tells to write can be written.
func FuzzRefusal(f *testing.F) {
	for _, location := range []string{
		"/thanks", "/contact;jsessionid=1?error", "/tea?subscribed=1", "/wp-login.php", "/Identity/Account/SignIn", "/2fa", "/404", "/en/", "/orders/A-1001?err=1",
		"/a@b/login", "/:id/error", "/{x}/error", "/%2a%2a/error", "/a b/login", "/portal?next=%252Fcontact", "//pay.example/", "/\u30ed\u30b0\u30a4\u30f3", "/\xff/login", "/(S(a))/login", "", "?a", "/a;b/c d/login",
	} {
		f.Add(location, "/contact", "https://shop.example/tea?a=b")
	}
	f.Fuzz(func(t *testing.T, location, path, referer string) {
		if !strings.HasPrefix(path, "/") || len(path) > maxInput {
			return
		}
		x := &Exchange{host: "shop.example", path: urlpath.Normal(path), status: http.StatusFound, location: location, referer: referer}
		verdict := x.judgeRedirect(nil, false)
		to, query, ok := x.redirectTarget()
		if verdict == Fires && (!ok || samePath(to, x.path)) {
			t.Errorf("%q from %q counts", location, path)
		}
		page, _ := x.formPage()
		if verdict == Fires && page != "" && samePath(to, page) && !sayingOf(query, "", to).accepted {
			t.Errorf("%q from a form on %q counts", location, page)
		}
		if verdict == ReasonDoubtfulRedirect && !isHome(to) {
			t.Errorf("%q is doubtful", location)
		}
		if lead := x.leadsTo(); strings.HasPrefix(lead, "/") && !strings.HasPrefix(lead, "//") {
			target, err := urlpath.Parse(lead)
			if err != nil {
				t.Errorf("%q leads to %q: %v", location, lead, err)
			} else if _, matches := target.Capture(to, nil); !matches {
				t.Errorf("%q leads to %q, which does not match %q", location, lead, to)
			}
		}
	})
}
