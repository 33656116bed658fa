"""What payment keeps of the bill of 6201."""

from __future__ import annotations

from services.payment.domain.orders import Bill
from yibao.payment.v1 import fee_upload_pb2


def bill_of(asked: fee_upload_pb2.FeeUpload, *, stay: bool) -> Bill:
    """The bill, by what settlement needs to find it again."""
    return Bill(
        psn_no=asked.psn_no,
        insutype=asked.insutype,
        mdtrt_id=asked.mdtrt_id,
        chrg_bchno=asked.chrg_bchno,
        med_type=asked.med_type,
        local_med_type=asked.local_med_type,
        psn_setlway=asked.psn_setlway,
        acct_used_flag=asked.acct_used_flag,
        fee_fen=asked.medfee_sumamt_fen,
        stay=stay,
        invono=asked.invono,
        ipt_otp_no=asked.ipt_otp_no,
    )
