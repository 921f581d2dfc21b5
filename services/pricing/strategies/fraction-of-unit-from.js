// From three on, each costs two thirds of its price, rounded; the line is a multiple of that.
const FROM = 3;

export default ({ quantity, price, round }) => quantity * (quantity < FROM ? price : round(2 * price, 3));
