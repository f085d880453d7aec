package main

// suite is somebody else's module, with the packages whose tests are run.
type suite struct {
	module, version string
	packages        []string
	// entries are methods by which a framework takes requests. Its tests call them
	// without a server, so goaltrack is put around them as well.
	entries []entry
	// known are tests that cannot pass inside of any middleware that wraps the writer, by the
	// beginning of their names, and why.
	known map[string]string
}

// entry is a method ServeHTTP in a file of the module.
type entry struct{ file, receiver string }

// suites are those of modules that do unusual things with a writer, a request or a body.
var suites = []suite{
	{module: "github.com/gin-gonic/gin", version: "v1.12.0", packages: []string{"."}, entries: []entry{{"gin.go", "engine *Engine"}}},
	{module: "github.com/labstack/echo/v4", version: "v4.16.4", packages: []string{".", "./middleware"}, entries: []entry{{"echo.go", "e *Echo"}}},
	{module: "github.com/go-chi/chi/v5", version: "v5.5.0", packages: []string{".", "./middleware"}, entries: []entry{{"mux.go", "mx *Mux"}}},
	{module: "connectrpc.com/connect", version: "v1.21.1", packages: []string{"."}, known: map[string]string{
		"TestUnflushableResponseWriter": "compares an error's text, which has the type of the writer",
	}},
	{module: "github.com/coder/websocket", version: "v1.8.15", packages: []string{"."}},
	{module: "github.com/gorilla/websocket", version: "v1.5.3", packages: []string{"."}},
	{module: "github.com/klauspost/compress", version: "v1.20.4", packages: []string{"./gzhttp"}},
	{module: "github.com/felixge/httpsnoop", version: "v1.1.0", packages: []string{"."}},
	{module: "github.com/gorilla/handlers", version: "v1.5.2", packages: []string{"."}},
	{module: "github.com/alexedwards/scs/v2", version: "v2.9.0", packages: []string{"."}},
	{module: "github.com/justinas/nosurf", version: "v1.2.0", packages: []string{"."}},
	{module: "github.com/rs/cors", version: "v1.11.1", packages: []string{"."}},
	{module: "github.com/tus/tusd/v2", version: "v2.9.1", packages: []string{"./pkg/handler"}},
	{module: "github.com/modelcontextprotocol/go-sdk", version: "v1.8.0", packages: []string{"./mcp"}},
	{module: "github.com/mark3labs/mcp-go", version: "v1.2.1", packages: []string{"./server"}},
}
