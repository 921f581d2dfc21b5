/** The longest id that is shown whole. */
const SHORT = 12;

/**
 * What a customer reads out on the telephone: the last eight letters and digits of the order's id, `3F2A-91BC`, or a
 * short id as it is. Two orders may share it; a mail also names the id, in its last line.
 */
export function orderNumberOf(orderId: string): string {
  if (orderId.length <= SHORT) return orderId;
  const characters = orderId.replaceAll(/[^A-Za-z0-9]/g, '').toUpperCase();
  return characters.length < 8 ? orderId : `${characters.slice(-8, -4)}-${characters.slice(-4)}`;
}
