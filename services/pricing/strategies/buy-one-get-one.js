// One free for each one paid: of three, two are paid.
export default ({ quantity, price, round }) => price * round(quantity, 2);
