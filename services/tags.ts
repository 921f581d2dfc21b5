/** The groups of operations in the API's document. */
export const TAGS = {
  orders: { name: 'Orders', description: 'Placing orders, following them, and what belongs to one.' },
  wallets: { name: 'Wallets', description: "Customers' money." },
  breakers: { name: 'Circuit breakers', description: 'Whether the routes of the broker take messages. For operators.' },
  deadLetters: { name: 'Dead letters', description: 'Messages that nobody could handle. For operators.' },
  audits: { name: 'Audits', description: 'Whether what the services keep fits together. For operators.' },
  workers: { name: 'Workers', description: 'Which process works on what. For operators.' },
  faults: { name: 'Faults', description: 'Misbehaviour on demand, where it is switched on. For operators.' },
} as const;
