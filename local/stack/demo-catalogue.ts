import type { Currency } from '#services/money.ts';

/** Something that a shop sells, as it is put into a catalogue. */
export interface Good {
  readonly sku: string;
  readonly name: string;
  readonly description?: string;
  /** Whole minor units. */
  readonly price: { readonly amount: number; readonly currency: Currency };
  readonly initialStock: number;
}

const eur = (amount: number): Good['price'] => ({ amount, currency: 'EUR' });

/** What `npm start` puts on the shelves of a new stack. */
export const demoCatalogue: readonly Good[] = [
  {
    sku: 'tea',
    name: 'Darjeeling First Flush, 100 g',
    description: 'Whole leaves, picked in March.',
    price: eur(890),
    initialStock: 5000,
  },
  {
    sku: 'coffee',
    name: 'Espresso beans, 500 g',
    description: 'Dark roast of two arabicas.',
    price: eur(1150),
    initialStock: 5000,
  },
  {
    sku: 'book',
    name: 'The Timetable of Everything, paperback',
    description: '312 pages about railways that ran on time.',
    price: eur(1299),
    initialStock: 5000,
  },
  {
    sku: 'mug',
    name: 'Enamel mug, 0.3 l',
    description: 'White, with a blue rim.',
    price: eur(1490),
    initialStock: 5000,
  },
  { sku: 'pencil', name: 'Pencil, HB', price: eur(120), initialStock: 20_000 },
  {
    sku: 'notebook',
    name: 'Notebook, A5, squared',
    description: '96 pages, thread-stitched.',
    price: eur(690),
    initialStock: 5000,
  },
  { sku: 'postcard', name: 'Postcard “Points at dusk”', price: eur(150), initialStock: 20_000 },
  { sku: 'honey', name: 'Lime blossom honey, 250 g', price: eur(740), initialStock: 3000 },
  { sku: 'jam', name: 'Crème de marrons, 300 g', price: eur(560), initialStock: 3000 },
  {
    sku: 'chocolate',
    name: 'Dark chocolate, 70 %',
    description: 'A bar of 100 g, with sea salt.',
    price: eur(390),
    initialStock: 8000,
  },
  { sku: 'umbrella', name: 'Pocket umbrella, navy', price: eur(2490), initialStock: 2000 },
  {
    sku: 'scarf',
    name: 'Lambswool scarf',
    description: 'Grey with a signal-red stripe.\n180 x 30 cm.',
    price: eur(3900),
    initialStock: 2000,
  },
  { sku: 'bottle', name: 'Steel bottle, 0.5 l', price: eur(1990), initialStock: 3000 },
  {
    sku: 'lamp',
    name: 'Signal lamp for the desk',
    description: 'Brass, with a red and a green glass.',
    price: eur(8900),
    initialStock: 2000,
  },
  {
    sku: 'sticker',
    name: 'Sticker for good customers',
    description: 'Free of charge.',
    price: eur(0),
    initialStock: 20_000,
  },
];
