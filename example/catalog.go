package main

import (
	"crypto/rand"
	"fmt"
	"slices"
	"strings"
	"sync"
)

// cents is an amount of money in hundredths of a euro.
type cents int

// String prints an amount as the shop shows it.
func (c cents) String() string { return fmt.Sprintf("€%d.%02d", int(c)/100, int(c)%100) }

// Euros returns the amount as the CDP takes it.
func (c cents) Euros() float64 { return float64(c) / 100 }

// product is something on the shelf.
type product struct {
	ID, Name, Kind, Art, Blurb, Note string

	Price cents
}

// catalog is everything the shop sells, in the order of the shelf.
var catalog = []product{
	{
		ID: "jade-sencha", Name: "Jade Sencha", Kind: "Green tea", Art: "leaf", Price: 1290,
		Blurb: "Steamed in spring, bright as cut grass.", Note: "100 g. Brew at 75 °C for a minute and a half.",
	},
	{
		ID: "night-oolong", Name: "Night Oolong", Kind: "Oolong", Art: "leaf", Price: 1640,
		Blurb: "Roasted twice over charcoal; honey and walnut.", Note: "100 g. Brew at 95 °C, and do it five times.",
	},
	{
		ID: "harbour-breakfast", Name: "Harbour Breakfast", Kind: "Black tea", Art: "leaf", Price: 890,
		Blurb: "Malty, brisk, and unafraid of milk.", Note: "125 g. Brew at 100 °C for four minutes.",
	},
	{
		ID: "garden-mint", Name: "Garden Mint", Kind: "Herbal", Art: "leaf", Price: 650,
		Blurb: "Two kinds of mint and nothing else.", Note: "60 g. Brew at 100 °C for as long as you like.",
	},
	{
		ID: "swan-kettle", Name: "Swan Kettle", Kind: "Kettle", Art: "kettle", Price: 7900,
		Blurb: "A slow, narrow spout for a steady hand.", Note: "0.9 litres, brushed steel, for every hob.",
	},
	{
		ID: "moon-cup", Name: "Moon Cup", Kind: "Cup", Art: "cup", Price: 1850,
		Blurb: "Thin stoneware that keeps its warmth.", Note: "180 ml. Thrown by hand, so no two are alike.",
	},
	{
		ID: "travel-tumbler", Name: "Travel Tumbler", Kind: "Cup", Art: "cup", Price: 2450,
		Blurb: "Tea for the train, still hot at the terminus.", Note: "350 ml, with a strainer in the lid.",
	},
	{
		ID: "first-kettle", Name: "First Kettle", Kind: "Kettle", Art: "kettle", Price: 4200,
		Blurb: "Small, sturdy, and it whistles.", Note: "0.7 litres, enamelled in green.",
	},
}

// findProduct returns the product with the ID, if the shop sells it.
func findProduct(id string) (product, bool) {
	i := slices.IndexFunc(catalog, func(p product) bool { return p.ID == id })
	if i < 0 {
		return product{}, false
	}
	return catalog[i], true
}

// searchCatalog returns the products that mention every word of the query.
func searchCatalog(query string) []product {
	words := strings.Fields(strings.ToLower(query))
	if len(words) == 0 {
		return nil
	}
	var found []product
	for _, p := range catalog {
		text := strings.ToLower(strings.Join([]string{p.Name, p.Kind, p.Blurb, p.Note}, " "))
		if !slices.ContainsFunc(words, func(word string) bool { return !strings.Contains(text, word) }) {
			found = append(found, p)
		}
	}
	return found
}

// order is what somebody bought.
type order struct {
	ID       string
	Product  product
	Quantity int
	Paid     bool
}

// Total returns what the order costs.
func (o order) Total() cents { return o.Product.Price * cents(o.Quantity) }

// maxOrders bounds the order book; the oldest order makes room for a new one.
const maxOrders = 200

// orderBook remembers the latest orders. It is safe for concurrent use.
type orderBook struct {
	mu     sync.Mutex
	orders []order
}

// place writes an order into the book. Its ID is random, because whoever knows
// the ID may see the order.
func (b *orderBook) place(p product, quantity int) order {
	o := order{ID: "KC-" + rand.Text()[:10], Product: p, Quantity: quantity}
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.orders) == maxOrders {
		b.orders = slices.Delete(b.orders, 0, 1)
	}
	b.orders = append(b.orders, o)
	return o
}

// find returns the order with the ID, if the book still has it.
func (b *orderBook) find(id string) (order, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if i := b.index(id); i >= 0 {
		return b.orders[i], true
	}
	return order{}, false
}

// pay marks an order as paid. It reports whether the order was still open, so
// that a second click on the button does not pay twice.
func (b *orderBook) pay(id string) (o order, first bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	i := b.index(id)
	if i < 0 || b.orders[i].Paid {
		return order{}, false
	}
	b.orders[i].Paid = true
	return b.orders[i], true
}

func (b *orderBook) index(id string) int {
	return slices.IndexFunc(b.orders, func(o order) bool { return o.ID == id })
}
