// How orders and fills are shown to customers. Promises the fields of the published answers, category by category, and text
// for every quantity. Never decides what may be seen.
import { placesOf, shown, ZERO, type Decimal } from '../exchange/decimals.ts';
import { isClosed, leavesOf, type Fill, type Order } from './orders.ts';

const sideText = ({ side }: Order): string => (side === 'buy' ? 'Buy' : 'Sell');

/** Spot shows plain numbers, perpetuals the decimals of the step. */
const qtyText = ({ product }: Order, qty: Decimal): string =>
  product.category === 'spot' ? qty.toFixed() : shown(qty, placesOf(product.step));

/** A market order has no price on spot, and its bound on perpetuals. */
const priceText = ({ product, type, price }: Order): string =>
  product.category === 'spot' ? (type === 'Market' ? '0' : price.toFixed()) : shown(price, placesOf(product.tick));

const averageText = ({ product, filledQty, filledValue }: Order): string => {
  const none = product.category === 'spot' ? '' : '0';
  return filledQty.eq(0) ? none : shown(filledValue.div(filledQty), 10).replace(/\.?0+$/, '');
};

/** What is still to be traded, as a value: of a market buy by value its unspent money. */
const leavesValue = (order: Order): Decimal => {
  if (order.unit === 'quote') return order.qty.minus(order.filledValue);
  return isClosed(order) ? ZERO : leavesOf(order).times(order.price);
};

const common = (order: Order) => ({
  orderId: order.orderId,
  orderLinkId: order.orderLinkId,
  blockTradeId: '',
  symbol: order.product.symbol,
  price: priceText(order),
  qty: order.unit === 'quote' ? order.qty.toFixed() : qtyText(order, order.qty),
  side: sideText(order),
  positionIdx: order.positionIdx,
  orderStatus: order.status,
  cancelType: order.cancelType,
  rejectReason: order.rejectReason,
  avgPrice: averageText(order),
  leavesQty: qtyText(order, leavesOf(order)),
  leavesValue: leavesValue(order).toFixed(),
  cumExecQty: qtyText(order, order.filledQty),
  cumExecValue: order.filledValue.toFixed(),
  cumExecFee: '0',
  timeInForce: order.timeInForce,
  orderType: order.type,
  orderIv: '',
  triggerDirection: 0,
  reduceOnly: order.reduceOnly,
  closeOnTrigger: order.closeOnTrigger,
  smpType: order.smpType,
  smpGroup: 0,
  smpOrderId: '',
  placeType: '',
  createdTime: String(order.createTime),
  updatedTime: String(order.updateTime),
  cumFeeDetail: Object.fromEntries([...order.fees].map(([coin, amount]) => [coin, amount.toFixed()])),
});

const spotRow = (order: Order): object => ({
  ...common(order),
  isLeverage: '0',
  stopOrderType: '',
  marketUnit: order.marketUnit,
  triggerPrice: '0',
  takeProfit: '0',
  stopLoss: '0',
  tpTriggerBy: '',
  slTriggerBy: '',
  triggerBy: '',
  basePrice: order.basePrice.toFixed(),
  tpLimitPrice: '0',
  slLimitPrice: '0',
});

const linearRow = (order: Order): object => ({
  ...common(order),
  isLeverage: '',
  stopOrderType: 'UNKNOWN',
  triggerPrice: '0.00',
  takeProfit: '0.00',
  stopLoss: '0.00',
  tpTriggerBy: 'UNKNOWN',
  slTriggerBy: 'UNKNOWN',
  triggerBy: 'UNKNOWN',
  lastPriceOnCreated: shown(order.basePrice, placesOf(order.product.tick)),
  tpslMode: '',
  tpLimitPrice: '',
  slLimitPrice: '',
});

/** The published history of perpetuals has some fields more than the list of open ones. */
const HISTORY_ONLY = {
  slippageToleranceType: 'UNKNOWN',
  slippageTolerance: '',
  extraFees: '',
  rpiTakerAccess: false,
  rpiMatchedQty: '0',
};

export const orderRow = (order: Order): object =>
  order.product.category === 'spot' ? spotRow(order) : linearRow(order);

export const historyRow = (order: Order): object =>
  order.product.category === 'spot' ? spotRow(order) : { ...linearRow(order), ...HISTORY_ONLY };

export const fillRow = (fill: Fill): object => {
  const { order } = fill;
  const { product } = order;
  const isSpot = product.category === 'spot';
  const market = isSpot ? '' : shown(order.basePrice, placesOf(product.tick));
  return {
    symbol: product.symbol,
    orderType: order.type,
    underlyingPrice: '',
    orderLinkId: order.orderLinkId,
    side: sideText(order),
    indexPrice: '',
    orderId: order.orderId,
    stopOrderType: isSpot ? '' : 'UNKNOWN',
    leavesQty: fill.leavesQty.toFixed(),
    execTime: String(fill.time),
    // The published fill of a perpetual names no coin; fees there fall due in USDT unless MNT pays them.
    feeCurrency: isSpot || fill.feeCoin === 'MNT' ? fill.feeCoin : '',
    isMaker: fill.isMaker,
    execFee: fill.fee.toFixed(),
    feeRate: fill.feeRate.toFixed(),
    execId: fill.execId,
    tradeIv: '',
    blockTradeId: '',
    markPrice: market,
    execPrice: fill.price.toFixed(),
    markIv: '',
    orderQty: order.qty.toFixed(),
    orderPrice: priceText(order),
    execValue: fill.value.toFixed(),
    execType: 'Trade',
    execQty: fill.qty.toFixed(),
    closedSize: fill.closedQty.gt(0) ? fill.closedQty.toFixed() : '',
    extraFees: '',
    seq: fill.seq,
  };
};
