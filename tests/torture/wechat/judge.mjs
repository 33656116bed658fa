// wechatpay-axios-plugin, as it comes from its package, takes the twin for WeChat Pay: `node judge.mjs URL < keys.json`.
// It prints one line of JSON: what each step was answered.
import { createHash, randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import plugin from 'wechatpay-axios-plugin';

const { Wechatpay, Rsa, Aes } = plugin;
const url = process.argv[2];
const keys = JSON.parse(readFileSync(0, 'utf8'));
const merchant = keys.merchants[0];
const keyId = keys.public_key_id;
const platform = keys.public_keys[keyId];
const wx = new Wechatpay({
  mchid: merchant.mchid,
  serial: merchant.serial_no,
  privateKey: merchant.private_key,
  certs: { [keyId]: platform },
  baseURL: url,
});

async function door(verb, body) {
  const answer = await fetch(`${url}/_twin/${verb}`, { method: 'POST', body: JSON.stringify(body) });
  if (!answer.ok) throw new Error(`${verb}: ${await answer.text()}`);
  return answer.json();
}

const told = {};
const number = `NPM${randomUUID().replaceAll('-', '').slice(0, 20)}`;
const digest = createHash('md5').update('990101189902300016').digest('hex');

const { data: prepaid } = await wx.v3.pay.transactions.jsapi.post({
  appid: merchant.appid, mchid: merchant.mchid, description: '医药费', out_trade_no: number,
  notify_url: 'https://hospital.example/notify', amount: { total: 1500 }, payer: { openid: 'oTestPayer' },
});
const order = {
  mix_pay_type: 'CASH_AND_INSURANCE', order_type: 'REG_PAY', appid: merchant.appid, openid: 'oTestPayer',
  payer: { name: Rsa.encrypt('试验甲', platform), id_digest: Rsa.encrypt(digest, platform), card_type: 'ID_CARD' },
  out_trade_no: number, serial_no: number.slice(0, 20), pay_order_id: `ORD${number}`, pay_auth_no: `AUTH${number}`,
  geo_location: '102.682296,25.054260', city_id: '530100', med_inst_name: '试验医院', med_inst_no: 'H99010000001',
  med_ins_order_create_time: '2026-11-30T10:02:57+08:00', total_fee: 10000, med_ins_gov_fee: 4000, med_ins_self_fee: 4500,
  med_ins_other_fee: 0, med_ins_cash_fee: 1500, wechat_pay_cash_fee: 1500, prepay_id: prepaid.prepay_id,
  callback_url: 'https://hospital.example/medical',
};
const headers = { 'Wechatpay-Serial': keyId };
told.created = (await wx.chain('v3/med-ins/orders').post(order, { headers })).data.mix_pay_status;
told.refused = await wx.chain('v3/med-ins/orders').post(order, { headers }).catch(({ response }) => response.data.code);
await door('pay', { out_trade_no: number });
told.paid = (await wx.chain(`v3/med-ins/orders/out-trade-no/${number}`).get()).data.mix_pay_status;
told.refund = (await wx.v3.refund.domestic.refunds.post({
  out_trade_no: number, out_refund_no: `R${number}`, amount: { refund: 1500, total: 1500, currency: 'CNY' },
})).data.status;

const health = await (await fetch(`${url}/_twin/health`)).json();
const noon = new Date(Date.parse(`${health.now.slice(0, 10)}T12:00:00+08:00`) + 86400000);
await door('clock', { at: noon.toISOString().replace('Z', '+00:00') });
const { data: link } = await wx.v3.bill.tradebill.get({
  params: { bill_date: health.now.slice(0, 10), bill_type: 'ALL', tar_type: 'GZIP' },
});
const file = await wx.client.v3.get(link.download_url, { responseType: 'arraybuffer', transformResponse: [] });
const plain = gunzipSync(Buffer.from(file.data));
told.bill = createHash('sha1').update(plain).digest('hex') === link.hash_value && plain.includes(number);

const { data: { data: [certificate] } } = await wx.v3.certificates.get();
const box = certificate.encrypt_certificate;
told.certificate = Aes.AesGcm.decrypt(box.ciphertext, merchant.secret, box.nonce, box.associated_data).startsWith('-----BEGIN CERT');
console.log(JSON.stringify(told));
