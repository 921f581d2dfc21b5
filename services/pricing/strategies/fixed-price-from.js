// From three on, each costs 4.50 instead of its price.
const FROM = 3;
const EACH = 450;

export default ({ quantity, price }) => quantity * (quantity < FROM ? price : EACH);
